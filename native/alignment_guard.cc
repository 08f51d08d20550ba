#include "alignment_guard.h"

#include <string>

#include "bounds.h"

namespace uncached_io {

void RequireAligned(Napi::Env env, const uint8_t* data, size_t length, int64_t position, size_t memory, size_t offset) {
  const size_t address = reinterpret_cast<uintptr_t>(data);
  if (Overhang(address, length, static_cast<size_t>(position), memory, offset) == 0) return;
  Napi::RangeError error = Napi::RangeError::New(
      env, "a direct transfer of " + std::to_string(length) + " bytes at " + std::to_string(position) +
               ", from an address " + std::to_string(address & (memory - 1)) + " bytes off, does not fit " +
               std::to_string(memory) + " and " + std::to_string(offset) + ", which the file asks of memory and offset");
  error.Value().Set("code", "ERR_MISALIGNED");
  throw error;
}

}  // namespace uncached_io
