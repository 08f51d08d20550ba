// The last look before a direct transfer: nothing misaligned gets to the kernel, whatever was computed above.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace uncached_io {

// What a file asks of direct transfers, in bytes, powers of two; 1 asks nothing. Told by JavaScript.
struct RequiredAlignment {
  size_t memory = 1;
  size_t writeOffset = 1;
  size_t readOffset = 1;
};

// JavaScript thread. Throws ERR_MISALIGNED where the address, or the position or length of a transfer of which `offset` is
// asked, is not what the file asks for.
void RequireAligned(Napi::Env env, const uint8_t* data, size_t length, int64_t position, size_t memory, size_t offset);

}  // namespace uncached_io
