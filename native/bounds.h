// The arithmetic that keeps transfers inside of memory and on their blocks. Asks nothing of Node, so that it can be fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace uncached_io {

// Whether `length` bytes at `offset` lie within the first `available`. Any values: nothing is added that could wrap around.
constexpr bool IsInside(size_t offset, size_t length, size_t available) {
  return offset <= available && length <= available - offset;
}

// 0 where the address is a multiple of `memory`, and position and length of `offset`. Both are powers of two.
constexpr size_t Overhang(size_t address, size_t length, size_t position, size_t memory, size_t offset) {
  return (address & (memory - 1)) | ((length | position) & (offset - 1));
}

}  // namespace uncached_io
