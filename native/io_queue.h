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
               int flags, int place);

  // On a thread: waits for the kernel.
  void Execute() override;
  // Of a kernel that was not waited for: what the system call would have returned, -errno on failure.
  void Answer(const char* syscall, int64_t result);
  Napi::Value Value(Napi::Env env) override;

  const Descriptor& file() const { return *file_; }
  const uint8_t* data() const { return data_; }
  size_t length() const { return length_; }
  int64_t position() const { return position_; }
  int flags() const { return flags_; }
  // Of the memory in the ring's table; negative: none.
  int place() const { return place_; }

 private:
  Lease file_;
  Napi::Reference<Napi::Uint8Array> view_;  // keeps the memory alive until the kernel is done with it
  const uint8_t* const data_;
  const size_t length_;
  const int64_t position_;
  const int flags_;
  const int place_;
  int64_t writtenBytes_ = 0;
};

class IoQueue {
 public:
  virtual ~IoQueue() = default;
  virtual void Submit(std::unique_ptr<WriteRequest> request) = 0;
};

}  // namespace uncached_io
