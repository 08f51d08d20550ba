#include "range.h"

#include <string>

#include "bounds.h"

namespace uncached_io {

uint8_t* RangeArgument(Napi::Uint8Array view, size_t viewOffset, size_t length) {
  const size_t available = view.ByteLength();
  if (view.Data() == nullptr || !IsInside(viewOffset, length, available)) {
    Napi::RangeError error = Napi::RangeError::New(
        view.Env(), "the transfer of " + std::to_string(length) + " bytes at " + std::to_string(viewOffset) +
                        " is not inside a buffer of " + std::to_string(available) + " bytes (detached?)");
    error.Value().Set("code", "ERR_BUFFER_DETACHED");
    throw error;
  }
  return view.Data() + viewOffset;
}

}  // namespace uncached_io
