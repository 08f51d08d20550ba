#include "thread_queue.h"

#include <cerrno>
#include <utility>

#include "kernel.h"

namespace uncached_io {

WriteRequest::WriteRequest(Napi::Env env, Lease file, Napi::Uint8Array view, const uint8_t* data, size_t length,
                           int64_t position, int flags, int place)
    : Operation(env),
      file_(std::move(file)),
      view_(Napi::Persistent(view)),
      data_(data),
      length_(length),
      position_(position),
      flags_(flags),
      place_(place) {}

void WriteRequest::Execute() {
  const iovec vector = {const_cast<uint8_t*>(data_), length_};
  const long answer = kernel::Pwritev2(file_->fd(), &vector, position_, flags_);
  Answer("pwritev2", answer < 0 ? -errno : answer);
}

void WriteRequest::Answer(const char* syscall, int64_t result) {
  if (result >= 0) {
    writtenBytes_ = result;
  } else {
    error_ = {static_cast<int>(-result), syscall, file_->path()};
  }
}

Napi::Value WriteRequest::Value(Napi::Env env) { return Napi::Number::New(env, static_cast<double>(writtenBytes_)); }

}  // namespace uncached_io
