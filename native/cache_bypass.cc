#include "cache_bypass.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace uncached_io {

namespace {

#if defined(__SSE2__)

constexpr size_t kLine = 64;

// A usual store first reads the line that it changes, from wherever the device's last read of it has left it: here that
// takes more time than the copy. A streaming store of a whole line reads nothing.
void CopyLines(uint8_t* into, const uint8_t* from, size_t lines) {
  for (; lines > 0; --lines, into += kLine, from += kLine) {
    const auto* source = reinterpret_cast<const __m128i*>(from);
    auto* line = reinterpret_cast<__m128i*>(into);
    const __m128i parts[] = {_mm_loadu_si128(source), _mm_loadu_si128(source + 1), _mm_loadu_si128(source + 2),
                             _mm_loadu_si128(source + 3)};
    for (size_t i = 0; i < 4; ++i) _mm_stream_si128(line + i, parts[i]);
  }
  // Streaming stores are ordered with nothing else: they have to be there before a device, or a thread, is told to read.
  _mm_sfence();
}

#else

constexpr size_t kLine = 1;

void CopyLines(uint8_t* into, const uint8_t* from, size_t lines) { std::memcpy(into, from, lines); }

#endif

bool Overlap(const uint8_t* one, const uint8_t* other, size_t length) {
  return one < other + length && other < one + length;
}

}  // namespace

void CopyPastCaches(uint8_t* into, const uint8_t* from, size_t length) {
  // No bytes may have no address, which none of the calls below takes.
  if (length == 0) return;
  // A slot of reserve(), kept and written later, is memory of the same buffer.
  if (Overlap(into, from, length)) {
    std::memmove(into, from, length);
    return;
  }
  const size_t head = std::min(length, (kLine - reinterpret_cast<uintptr_t>(into) % kLine) % kLine);
  const size_t lines = (length - head) / kLine;
  const size_t tailFrom = head + lines * kLine;
  std::memcpy(into, from, head);
  CopyLines(into + head, from + head, lines);
  std::memcpy(into + tailFrom, from + tailFrom, length - tailFrom);
}

}  // namespace uncached_io
