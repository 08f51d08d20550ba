// Copying what only the device is going to read. Asks nothing of Node, so that it can be fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace uncached_io {

// As memmove, but past the processor's caches where it can do that.
void CopyPastCaches(uint8_t* into, const uint8_t* from, size_t length);

}  // namespace uncached_io
