#include "environment.h"

#include <system_error>
#include <utility>

#include "memory.h"

namespace uncached_io {

namespace {

// Enough that four writers with four writes each proceed together and a slow fsync holds up nobody, few enough that
// a thousand writers do not start a thousand threads. They are started when there is work and none is idle.
constexpr size_t kMaxThreads = 16;

}  // namespace

Environment::Environment(Napi::Env env)
    : env_(env),
      completions_(env, [this] {
        if (ring_) ring_->Pump();
      }),
      pool_(kMaxThreads, [this](std::unique_ptr<Operation> operation) { completions_.Push(std::move(operation)); }),
      threads_(pool_) {
  // Hooks run last in, first out: this one is added after that of the thread-safe function in completions_, so the
  // threads are joined while waking the loop is still allowed.
  env.AddCleanupHook([](Environment* self) { self->Stop(); }, this);
}

Napi::Promise Environment::Start(std::unique_ptr<Operation> operation) {
  Napi::Promise promise = operation->Promise();
  completions_.Expect(env_);
  try {
    pool_.Post(std::move(operation));
  } catch (const std::system_error& error) {
    completions_.Unexpect(env_);
    throw MakeError(env_, {error.code().value(), "pthread_create", ""});
  }
  return promise;
}

Napi::Promise Environment::Write(std::unique_ptr<WriteRequest> request, bool throughRing) {
  Napi::Promise promise = request->Promise();
  completions_.Expect(env_);
  IoQueue& queue = throughRing ? static_cast<IoQueue&>(*ring_) : threads_;
  try {
    queue.Submit(std::move(request));
  } catch (const std::system_error& error) {
    completions_.Unexpect(env_);
    throw MakeError(env_, {error.code().value(), "pthread_create", ""});
  }
  return promise;
}

void Environment::WriteOnThread(std::unique_ptr<WriteRequest> request) {
  WriteRequest& write = *request;
  std::unique_ptr<Operation> operation = std::move(request);
  try {
    pool_.Post(std::move(operation));
  } catch (const std::system_error& error) {
    write.Answer("pthread_create", -error.code().value());
    completions_.Push(std::move(operation));
  }
}

void Environment::StartRing() {
  if (ring_) return;
  const auto ring = std::make_shared<UringQueue>(
      [this](std::unique_ptr<WriteRequest> request) { completions_.Push(std::move(request)); },
      [this](std::unique_ptr<WriteRequest> request) { WriteOnThread(std::move(request)); });
  if (const int error = ring->Start()) throw MakeError(env_, {error, "io_uring_setup", ""});
  ring_ = ring;
}

void Environment::Stop() {
  if (ring_) ring_->Stop();
  pool_.Stop();
  completions_.Stop();
  ReturnMemory(std::exchange(heldBytes, 0));
}

}  // namespace uncached_io
