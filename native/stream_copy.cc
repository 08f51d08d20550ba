#include "stream_copy.h"

#include <cstddef>
#include <cstdint>

#include "cache_bypass.h"
#include "range.h"

namespace uncached_io {

Napi::Value StreamCopy(const Napi::CallbackInfo& info) {
  const size_t length = info[4].As<Napi::Number>().Int64Value();
  uint8_t* into = RangeArgument(info[0].As<Napi::Uint8Array>(), info[1].As<Napi::Number>().Int64Value(), length);
  const uint8_t* from = RangeArgument(info[2].As<Napi::Uint8Array>(), info[3].As<Napi::Number>().Int64Value(), length);
  CopyPastCaches(into, from, length);
  return info.Env().Undefined();
}

}  // namespace uncached_io
