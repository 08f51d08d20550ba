// From any thread back to the JavaScript thread. Keeps the event loop alive exactly while operations are outstanding.
//
// Each ring of a bell settles one operation, and two bells are rung in turn. What is settled makes JavaScript go on at
// once, with filling a buffer most often, and a thread-safe function goes on calling as long as something is in its
// queue: with one bell, or all at once, a disk as fast as whoever fills the buffers would keep timers and sockets
// waiting. So the event loop goes round after two of them at the latest.
#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "operation.h"

namespace uncached_io {

class Completions {
 public:
  // `settled` is called on the JavaScript thread whenever some were.
  Completions(Napi::Env env, std::function<void()> settled);

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
  void SettleOne(Napi::Env env);
  void Ring();

  using Wake = Napi::TypedThreadSafeFunction<Completions, void, OnWake>;

  const std::function<void()> settled_;
  std::array<Wake, 2> bells_;
  size_t outstanding_ = 0;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Operation>> done_;  // not empty: a bell is ringing
  size_t nextBell_ = 0;
};

}  // namespace uncached_io
