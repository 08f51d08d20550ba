#include "environment.h"

#include <system_error>
#include <utility>

#include "thread_queue.h"

namespace uncached_io {

namespace {

// Enough that four writers with four writes each proceed together and a slow fsync holds up nobody, few enough that
// a thousand writers do not start a thousand threads. They are started when there is work and none is idle.
constexpr size_t kMaxThreads = 16;

}  // namespace

Environment::Environment(Napi::Env env)
    : env_(env),
      completions_(env),
      pool_(kMaxThreads, [this](std::unique_ptr<Operation> operation) { completions_.Push(std::move(operation)); }),
      queue_(std::make_unique<ThreadQueue>(pool_)) {
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

Napi::Promise Environment::Write(std::unique_ptr<WriteRequest> request) {
  Napi::Promise promise = request->Promise();
  completions_.Expect(env_);
  try {
    queue_->Submit(std::move(request));
  } catch (const std::system_error& error) {
    completions_.Unexpect(env_);
    throw MakeError(env_, {error.code().value(), "pthread_create", ""});
  }
  return promise;
}

void Environment::Stop() {
  pool_.Stop();
  completions_.Stop();
}

}  // namespace uncached_io
