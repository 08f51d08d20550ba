// All state of one Node environment (the main thread or a worker): no statics, so every worker has its own.
#pragma once

#include <napi.h>

#include <memory>

#include "completions.h"
#include "thread_pool.h"
#include "thread_queue.h"
#include "uring_queue.h"

namespace uncached_io {

class Environment {
 public:
  explicit Environment(Napi::Env env);

  // Hands an operation to the pool and returns its promise.
  Napi::Promise Start(std::unique_ptr<Operation> operation);

  // Hands a write to an engine and returns its promise. The ring has to be running.
  Napi::Promise Write(std::unique_ptr<WriteRequest> request, bool throughRing);

  // Sets up the ring if there is none yet. Throws what keeps it from being set up.
  void StartRing();

  // Null before StartRing.
  const std::shared_ptr<UringQueue>& ring() const { return ring_; }

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  Napi::FunctionReference fileConstructor;

  // Of the memory that the process counts: what the writers of this environment hold.
  int64_t heldBytes = 0;

 private:
  // Teardown: no thread of ours may read JavaScript's memory, or wake a loop, that is about to go.
  void Stop();

  // Any thread: a write that the ring can't do at the moment. As every request, it is answered, come what may.
  void WriteOnThread(std::unique_ptr<WriteRequest> request);

  const napi_env env_;
  Completions completions_;
  ThreadPool pool_;
  ThreadQueue threads_;
  std::shared_ptr<UringQueue> ring_;
};

}  // namespace uncached_io
