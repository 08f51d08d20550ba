#include "completions.h"

#include <utility>

namespace uncached_io {

Completions::Completions(Napi::Env env) {
  // Queue size 0 is "unlimited": at most one wake-up is queued at a time, see Push.
  wake_ = Wake::New(env, "uncached-io", 0, 1, this);
  wake_.Unref(env);
}

void Completions::Expect(Napi::Env env) {
  if (outstanding_++ == 0) wake_.Ref(env);
}

void Completions::Unexpect(Napi::Env env) {
  if (--outstanding_ == 0) wake_.Unref(env);
}

void Completions::Push(std::unique_ptr<Operation> operation) {
  std::lock_guard<std::mutex> lock(mutex_);
  done_.push_back(std::move(operation));
  if (done_.size() == 1) wake_.NonBlockingCall();
}

void Completions::OnWake(Napi::Env env, Napi::Function, Completions* self, void*) {
  // env is null when the environment is being torn down: JavaScript can't run, Stop drops what is left.
  if (static_cast<napi_env>(env) != nullptr) self->SettleAll(env);
}

void Completions::SettleAll(Napi::Env env) {
  std::vector<std::unique_ptr<Operation>> done;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    done.swap(done_);
  }
  for (std::unique_ptr<Operation>& operation : done) {
    Unexpect(env);
    Napi::HandleScope scope(env);
    try {
      operation->Settle(env);
    } catch (const Napi::Error&) {
      // The worker is being terminated: nobody waits for this promise any more. The others are dropped likewise.
    }
  }
}

void Completions::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  done_.clear();
}

}  // namespace uncached_io
