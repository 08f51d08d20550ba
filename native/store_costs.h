// How far from the processor some memory is.
#pragma once

#include <napi.h>

namespace uncached_io {

// storeCosts(view, length) -> { plainNs, streamedNs }: what a store to every line of some KiB takes, and a copy of as many
// bytes past the caches. The first `length` bytes of the view are lost.
Napi::Value StoreCosts(const Napi::CallbackInfo& info);

}  // namespace uncached_io
