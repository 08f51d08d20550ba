// One request to the kernel: made on the JavaScript thread, executed on another, settled on the JavaScript thread.
#pragma once

#include <napi.h>

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

  // JavaScript thread, after Execute. Throws where no JavaScript can run any more.
  void Settle(Napi::Env env) {
    try {
      if (error_.number != 0) throw MakeError(env, error_);
      deferred_.Resolve(Value(env));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

  // JavaScript thread: what the promise resolves with.
  virtual Napi::Value Value(Napi::Env env) = 0;

 protected:
  SystemError error_;

 private:
  Napi::Promise::Deferred deferred_;
};

}  // namespace uncached_io
