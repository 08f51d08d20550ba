// Any call to the kernel that is one function of its captures, run on a pool thread.
#pragma once

#include <napi.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "environment.h"
#include "retry.h"

namespace uncached_io {

// `work` runs on a pool thread and answers like a system call, -1 with errno set on failure; `toValue` turns the
// answer into the promise's value on the JavaScript thread.
template <typename Work, typename ToValue>
class Call : public Operation {
 public:
  Call(Napi::Env env, const char* syscall, std::string path, Work work, ToValue toValue)
      : Operation(env), syscall_(syscall), path_(std::move(path)), work_(std::move(work)), toValue_(std::move(toValue)) {}

  void Execute() override {
    answer_ = work_();
    if (answer_ == -1) error_ = {errno, syscall_, path_};
  }

  Napi::Value Value(Napi::Env env) override { return toValue_(env, answer_); }

 private:
  const char* syscall_;
  const std::string path_;
  Work work_;
  ToValue toValue_;
  int64_t answer_ = 0;
};

template <typename Work, typename ToValue>
Napi::Promise StartCall(Napi::Env env, const char* syscall, std::string path, Work work, ToValue toValue) {
  return Environment::Of(env).Start(std::make_unique<Call<Work, ToValue>>(env, syscall, std::move(path),
                                                                         std::move(work), std::move(toValue)));
}

// For calls whose answer says nothing but that they worked.
inline Napi::Value Nothing(Napi::Env env, int64_t) { return env.Undefined(); }

inline Napi::Value Bytes(Napi::Env env, int64_t answer) { return Napi::Number::New(env, static_cast<double>(answer)); }

}  // namespace uncached_io
