// The position, the flags and a second number of a descriptor that is not ours: what a caller handed over.
#pragma once

#include <napi.h>

namespace uncached_io {

Napi::Value Seek(const Napi::CallbackInfo& info);
Napi::Value DescriptorFlags(const Napi::CallbackInfo& info);
Napi::Value Duplicate(const Napi::CallbackInfo& info);
Napi::Value CloseDuplicate(const Napi::CallbackInfo& info);

}  // namespace uncached_io
