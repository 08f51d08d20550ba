// One request to the kernel: made on the JavaScript thread, executed on another, settled on the JavaScript thread.
#pragma once

#include <napi.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "errors.h"

namespace uncached_io {

class Operation {
 public:
  explicit Operation(Napi::Env env) : deferred_(Napi::Promise::Deferred::New(env)) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Napi::Promise Promise() const { return deferred_.Promise(); }

  // Any thread. Touches no JavaScript value. On failure sets error_.
  virtual void Execute() = 0;

  // JavaScript thread, after Execute.
  void Settle(Napi::Env env) {
    if (error_.number != 0) {
      deferred_.Reject(MakeError(env, error_).Value());
    } else {
      deferred_.Resolve(Value(env));
    }
  }

  // JavaScript thread: what the promise resolves with.
  virtual Napi::Value Value(Napi::Env env) = 0;

 protected:
  SystemError error_;

 private:
  Napi::Promise::Deferred deferred_;
};

// Calls `call` again while a signal interrupts it. Not for close(2): on Linux an interrupted close has closed.
template <typename Call>
auto RetryInterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

}  // namespace uncached_io
