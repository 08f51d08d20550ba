#include "seek.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"

namespace uncached_io {

// seek(descriptor, offset, whence) -> position. Never waits: of a regular file only a number changes.
Napi::Value Seek(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int64_t offset = info[1].As<Napi::Number>().Int64Value();
  const int whence = info[2].As<Napi::Number>().Int32Value();
  const off_t position = lseek(fd, offset, whence);
  if (position == -1) throw MakeError(info.Env(), {errno, "lseek", ""});
  return Napi::Number::New(info.Env(), static_cast<double>(position));
}

// descriptorFlags(descriptor) -> the flags of open(2) that it has
Napi::Value DescriptorFlags(const Napi::CallbackInfo& info) {
  const int flags = fcntl(info[0].As<Napi::Number>().Int32Value(), F_GETFL);
  if (flags == -1) throw MakeError(info.Env(), {errno, "fcntl", ""});
  return Napi::Number::New(info.Env(), flags);
}

// setPipeSize(descriptor, bytes) -> the size it has now, in bytes
Napi::Value SetPipeSize(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int size = fcntl(fd, F_SETPIPE_SZ, info[1].As<Napi::Number>().Int32Value());
  if (size == -1) throw MakeError(info.Env(), {errno, "fcntl", ""});
  return Napi::Number::New(info.Env(), size);
}

}  // namespace uncached_io
