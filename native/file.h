// One open file, and what can be asked of it. Mechanism only: every flag, offset and length comes from JavaScript.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>

#include "descriptor.h"

namespace uncached_io {

class File : public Napi::ObjectWrap<File> {
 public:
  static Napi::FunctionReference Define(Napi::Env env);
  explicit File(const Napi::CallbackInfo& info) : Napi::ObjectWrap<File>(info) {}

  static Napi::Value Open(const Napi::CallbackInfo& info);
  static Napi::Value Unlink(const Napi::CallbackInfo& info);
  static Napi::Value RealFolder(const Napi::CallbackInfo& info);
  static Napi::Value RealPath(const Napi::CallbackInfo& info);
  static Napi::Value Rename(const Napi::CallbackInfo& info);
  static Napi::Value SyncFolder(const Napi::CallbackInfo& info);

 private:
  // file.cc
  Napi::Value Number(const Napi::CallbackInfo& info);
  void RequireAlignment(const Napi::CallbackInfo& info);
  Napi::Value Statx(const Napi::CallbackInfo& info);
  Napi::Value Fstat(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Allocate(const Napi::CallbackInfo& info);
  Napi::Value Truncate(const Napi::CallbackInfo& info);
  Napi::Value SyncData(const Napi::CallbackInfo& info);
  Napi::Value SyncAll(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  // ownership.cc
  Napi::Value FileSystem(const Napi::CallbackInfo& info);
  Napi::Value ChangeMode(const Napi::CallbackInfo& info);
  Napi::Value ChangeOwner(const Napi::CallbackInfo& info);
  // page_cache.cc
  Napi::Value Cachestat(const Napi::CallbackInfo& info);
  Napi::Value Mincore(const Napi::CallbackInfo& info);
  Napi::Value Advise(const Napi::CallbackInfo& info);
  Napi::Value SyncRange(const Napi::CallbackInfo& info);
  Napi::Value Populate(const Napi::CallbackInfo& info);

  // A lease on the open descriptor; throws EBADF when it was closed.
  Lease Use(Napi::Env env, const char* syscall);

  std::shared_ptr<Descriptor> descriptor_;
};

}  // namespace uncached_io
