// Copying what only the device is going to read.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace uncached_io {

// As memmove, but past the processor's caches where it can do that.
void CopyPastCaches(uint8_t* into, const uint8_t* from, size_t length);

// streamCopy(into, intoOffset, from, fromOffset, length): as `set`, by CopyPastCaches.
Napi::Value StreamCopy(const Napi::CallbackInfo& info);

}  // namespace uncached_io
