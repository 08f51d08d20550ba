// All state of one Node environment (the main thread or a worker): no statics, so every worker has its own.
#pragma once

#include <napi.h>

#include <memory>

#include "completions.h"
#include "io_queue.h"
#include "thread_pool.h"

namespace uncached_io {

class Environment {
 public:
  explicit Environment(Napi::Env env);

  // Hands an operation to the pool and returns its promise.
  Napi::Promise Start(std::unique_ptr<Operation> operation);

  // Hands a write to the engine and returns its promise.
  Napi::Promise Write(std::unique_ptr<WriteRequest> request);

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  Napi::FunctionReference fileConstructor;

 private:
  // Teardown: no thread of ours may read JavaScript's memory, or wake a loop, that is about to go.
  void Stop();

  const napi_env env_;
  Completions completions_;
  ThreadPool pool_;
  std::unique_ptr<IoQueue> queue_;
};

}  // namespace uncached_io
