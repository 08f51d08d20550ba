// What every engine does: take a write, and say when the kernel has answered it. No order is promised between writes.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

#include "descriptor.h"
#include "operation.h"

namespace uncached_io {

// One transfer from JavaScript memory to a file. Resolves with the bytes that the kernel took, which may be fewer
// than asked. EINTR is reported, not retried: the engines share one place above them that decides how to go on.
class WriteRequest : public Operation {
 public:
  WriteRequest(Napi::Env env, Lease file, Napi::Uint8Array view, const uint8_t* data, size_t length, int64_t position,
               int flags);

  void Execute() override;
  Napi::Value Value(Napi::Env env) override;

 private:
  Lease file_;
  Napi::Reference<Napi::Uint8Array> view_;  // keeps the memory alive until the kernel is done with it
  const uint8_t* const data_;
  const size_t length_;
  const int64_t position_;
  const int flags_;
  int64_t writtenBytes_ = 0;
};

class IoQueue {
 public:
  virtual ~IoQueue() = default;
  virtual void Submit(std::unique_ptr<WriteRequest> request) = 0;
};

}  // namespace uncached_io
