// Filling a buffer from JavaScript.
#pragma once

#include <napi.h>

namespace uncached_io {

// streamCopy(into, intoOffset, from, fromOffset, length): as `set`, by CopyPastCaches.
Napi::Value StreamCopy(const Napi::CallbackInfo& info);

}  // namespace uncached_io
