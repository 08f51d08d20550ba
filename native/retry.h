// EINTR, in one place.
#pragma once

#include <cerrno>

namespace uncached_io {

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
