// Copying what only the device is going to read.
#pragma once

#include <napi.h>

namespace uncached_io {

// streamCopy(into, intoOffset, from, fromOffset, length): as `set`, but past the processor's caches where it can do that.
Napi::Value StreamCopy(const Napi::CallbackInfo& info);

}  // namespace uncached_io
