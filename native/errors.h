// errno -> a JavaScript Error in the shape that Node's own fs errors have: code, errno, syscall, path.
#pragma once

#include <napi.h>

#include <string>

namespace uncached_io {

struct SystemError {
  int number = 0;  // errno as the kernel gave it, positive
  const char* syscall = "";
  std::string path;
};

// The symbolic name, "ENOSPC" for ENOSPC; "UNKNOWN" where the C library has none.
std::string ErrorCode(int number);

Napi::Error MakeError(Napi::Env env, const SystemError& error);

}  // namespace uncached_io
