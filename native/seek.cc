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

// duplicate(descriptor) -> another number for the same open file: position and flags are shared
Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  const int fd = fcntl(info[0].As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 3);
  if (fd == -1) throw MakeError(info.Env(), {errno, "fcntl", ""});
  return Napi::Number::New(info.Env(), fd);
}

// closeDuplicate(descriptor): what `duplicate` gave. The file stays open by its other number, so nothing is waited for.
Napi::Value CloseDuplicate(const Napi::CallbackInfo& info) {
  if (close(info[0].As<Napi::Number>().Int32Value()) == -1) throw MakeError(info.Env(), {errno, "close", ""});
  return info.Env().Undefined();
}

}  // namespace uncached_io
