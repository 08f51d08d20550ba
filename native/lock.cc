#include "lock.h"

#include <fcntl.h>

#include <cerrno>

#include "errors.h"

namespace uncached_io {

// tryLock(descriptor, offset) -> whether the byte at `offset` is locked now. Belongs to the open file, not to the
// process: gone when its last descriptor is closed, and other threads of this process are kept out as well.
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = info[1].As<Napi::Number>().Int64Value();
  lock.l_len = 1;
  if (fcntl(info[0].As<Napi::Number>().Int32Value(), F_OFD_SETLK, &lock) == 0) {
    return Napi::Boolean::New(info.Env(), true);
  }
  if (errno != EAGAIN && errno != EACCES) throw MakeError(info.Env(), {errno, "fcntl", ""});
  return Napi::Boolean::New(info.Env(), false);
}

}  // namespace uncached_io
