// Locks that keep others who take them out, and nobody else.
#pragma once

#include <napi.h>

namespace uncached_io {

Napi::Value TryLock(const Napi::CallbackInfo& info);

}  // namespace uncached_io
