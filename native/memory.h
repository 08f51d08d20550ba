// The memory of buffers, as the kernel sees it. Mechanism only: which memory, and when, comes from JavaScript.
#pragma once

#include <napi.h>

#include <cstdint>

namespace uncached_io {

// misalignment(view, alignment) -> how many bytes the view's first byte lies past the last multiple of `alignment`
Napi::Value Misalignment(const Napi::CallbackInfo& info);

// What the writers of all environments hold together. takeMemory(bytes, always, defaultCap) -> whether it is within the
// cap; giveMemory(bytes); setMemoryCap(bytes); memory(defaultCap) -> { capBytes, heldBytes }
Napi::Value TakeMemory(const Napi::CallbackInfo& info);
Napi::Value GiveMemory(const Napi::CallbackInfo& info);
Napi::Value SetMemoryCap(const Napi::CallbackInfo& info);
Napi::Value Memory(const Napi::CallbackInfo& info);

// preferLargePages(view, viewOffset, length): madvise(MADV_HUGEPAGE) of a part of new memory, of which nothing is resident
// behind it. False where there are no large pages.
Napi::Value PreferLargePages(const Napi::CallbackInfo& info);

// registerBuffer(view) -> place; throws ENOMEM beyond RLIMIT_MEMLOCK, ENOBUFS when no place is left, ENXIO without a ring.
Napi::Value RegisterBuffer(const Napi::CallbackInfo& info);

// releaseMemory(view, place): frees the place, unless negative, and gives the pages back to the system; their content is
// lost. Of memory that was detached only the place is freed.
Napi::Value ReleaseMemory(const Napi::CallbackInfo& info);

// What an environment that ends still held.
void ReturnMemory(int64_t bytes);

}  // namespace uncached_io
