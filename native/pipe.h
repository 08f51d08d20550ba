// Pipes: one of our own, how much they hold, what is in them.
#pragma once

#include <napi.h>

namespace uncached_io {

Napi::Value MakePipe(const Napi::CallbackInfo& info);
Napi::Value SetPipeSize(const Napi::CallbackInfo& info);
Napi::Value SplicePipe(const Napi::CallbackInfo& info);
Napi::Value WaitReadable(const Napi::CallbackInfo& info);

}  // namespace uncached_io
