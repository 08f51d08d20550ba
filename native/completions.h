// From any thread back to the JavaScript thread, many completions per wake-up. Keeps the event loop alive exactly
// while operations are outstanding.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "operation.h"

namespace uncached_io {

class Completions {
 public:
  explicit Completions(Napi::Env env);

  // JavaScript thread, once per operation, before it is handed to an engine.
  void Expect(Napi::Env env);

  // JavaScript thread: an operation that was expected could not be handed over after all.
  void Unexpect(Napi::Env env);

  // Any thread, until Stop.
  void Push(std::unique_ptr<Operation> operation);

  // JavaScript thread, when no other thread pushes any more: drops what was not settled.
  void Stop();

 private:
  static void OnWake(Napi::Env env, Napi::Function, Completions* self, void*);
  void SettleAll(Napi::Env env);

  using Wake = Napi::TypedThreadSafeFunction<Completions, void, OnWake>;

  Wake wake_;
  size_t outstanding_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Operation>> done_;
};

}  // namespace uncached_io
