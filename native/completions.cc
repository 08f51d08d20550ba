#include "completions.h"

#include <utility>

namespace uncached_io {

Completions::Completions(Napi::Env env, std::function<void()> settled) : settled_(std::move(settled)) {
  for (Wake& bell : bells_) {
    // Queue size 0 is "unlimited": at most one wake-up is queued at a time, see Push.
    bell = Wake::New(env, "uncached-io", 0, 1, this);
    bell.Unref(env);
  }
}

void Completions::Expect(Napi::Env env) {
  if (outstanding_++ == 0) bells_[0].Ref(env);
}

void Completions::Unexpect(Napi::Env env) {
  if (--outstanding_ == 0) bells_[0].Unref(env);
}

void Completions::Push(std::unique_ptr<Operation> operation) {
  std::lock_guard<std::mutex> lock(mutex_);
  done_.push_back(std::move(operation));
  if (done_.size() == 1) Ring();
}

void Completions::Ring() { bells_[nextBell_].NonBlockingCall(); }

void Completions::OnWake(Napi::Env env, Napi::Function, Completions* self, void*) {
  // env is null when the environment is being torn down: JavaScript can't run, Stop drops what is left.
  if (static_cast<napi_env>(env) != nullptr) self->SettleOne(env);
}

void Completions::SettleOne(Napi::Env env) {
  std::unique_ptr<Operation> operation;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    // Dropped by Stop, while a bell was still to be answered.
    if (done_.empty()) return;
    operation = std::move(done_.front());
    done_.pop_front();
    nextBell_ = 1 - nextBell_;
    if (!done_.empty()) Ring();
  }
  Unexpect(env);
  Napi::HandleScope scope(env);
  try {
    operation->Settle(env);
  } catch (const Napi::Error&) {
    // The worker is being terminated: nobody waits for this promise any more. The others are dropped likewise.
  }
  settled_();
}

void Completions::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  done_.clear();
}

}  // namespace uncached_io
