#include "pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "call.h"
#include "errors.h"

namespace uncached_io {

// makePipe() -> { readEnd, writeEnd }, descriptors that no child inherits
Napi::Value MakePipe(const Napi::CallbackInfo& info) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) throw MakeError(info.Env(), {errno, "pipe2", ""});
  Napi::Object pipe = Napi::Object::New(info.Env());
  pipe.Set("readEnd", ends[0]);
  pipe.Set("writeEnd", ends[1]);
  return pipe;
}

// setPipeSize(descriptor, bytes) -> the size it has now, in bytes
Napi::Value SetPipeSize(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int size = fcntl(fd, F_SETPIPE_SZ, info[1].As<Napi::Number>().Int32Value());
  if (size == -1) throw MakeError(info.Env(), {errno, "fcntl", ""});
  return Napi::Number::New(info.Env(), size);
}

// splicePipe(from, to, bytes) -> bytes that went from one pipe into the other, 0 at the end, -1 when none can go now. Nothing
// is copied and nothing waited for.
Napi::Value SplicePipe(const Napi::CallbackInfo& info) {
  const int from = info[0].As<Napi::Number>().Int32Value();
  const int to = info[1].As<Napi::Number>().Int32Value();
  const size_t length = info[2].As<Napi::Number>().Int64Value();
  const ssize_t moved =
      RetryInterrupted([&] { return splice(from, nullptr, to, nullptr, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK); });
  if (moved == -1 && errno != EAGAIN) throw MakeError(info.Env(), {errno, "splice", ""});
  return Napi::Number::New(info.Env(), static_cast<double>(moved));
}

// waitReadable(descriptor, milliseconds) -> whether a read would not wait: there is something, or the end, or an error
Napi::Value WaitReadable(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int milliseconds = info[1].As<Napi::Number>().Int32Value();
  return StartCall(
      info.Env(), "poll", "",
      [fd, milliseconds] {
        pollfd wanted = {fd, POLLIN, 0};
        const int answer = poll(&wanted, 1, milliseconds);
        // Not again, which would begin the time anew: who waits asks again.
        return answer == -1 && errno == EINTR ? 0 : answer;
      },
      [](Napi::Env env, int64_t answer) { return Napi::Boolean::New(env, answer > 0); });
}

}  // namespace uncached_io
