// A part of JavaScript memory.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace uncached_io {

// Where `length` bytes at `viewOffset` of a view begin in memory. Throws ERR_BUFFER_DETACHED for what the view does not
// hold, or no longer: a detached ArrayBuffer has length 0.
uint8_t* RangeArgument(Napi::Uint8Array view, size_t viewOffset, size_t length);

}  // namespace uncached_io
