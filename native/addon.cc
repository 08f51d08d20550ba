// The list of what JavaScript may call. Everything that touches a disk returns a promise; arguments have been checked
// by src/ before they get here.
#include <fcntl.h>
#include <napi.h>
#include <unistd.h>

#include <cstdint>

#include "environment.h"
#include "file.h"
#include "kernel.h"
#include "lock.h"
#include "memory.h"
#include "pipe.h"
#include "seek.h"
#include "store_costs.h"
#include "stream_copy.h"

namespace uncached_io {

namespace {

// startRing(): throws what keeps io_uring from being used: EPERM, ENOSYS, EMFILE, ENOMEM, ...
Napi::Value StartRing(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).StartRing();
  return info.Env().Undefined();
}

Napi::Object Constants(Napi::Env env) {
  Napi::Object constants = Napi::Object::New(env);
  constants.Set("O_PATH", O_PATH);
  constants.Set("O_TMPFILE", O_TMPFILE);
  constants.Set("RWF_DONTCACHE", kernel::kRwfDontCache);
  constants.Set("POSIX_FADV_DONTNEED", POSIX_FADV_DONTNEED);
  constants.Set("SEEK_SET", SEEK_SET);
  constants.Set("SEEK_CUR", SEEK_CUR);
  constants.Set("SYNC_FILE_RANGE_WAIT_BEFORE", SYNC_FILE_RANGE_WAIT_BEFORE);
  constants.Set("SYNC_FILE_RANGE_WRITE", SYNC_FILE_RANGE_WRITE);
  constants.Set("SYNC_FILE_RANGE_WAIT_AFTER", SYNC_FILE_RANGE_WAIT_AFTER);
  constants.Set("pageSize", static_cast<double>(sysconf(_SC_PAGESIZE)));
  return constants;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment(env);
  env.SetInstanceData(environment);
  environment->fileConstructor = File::Define(env);
  exports.Set("open", Napi::Function::New<File::Open>(env, "open"));
  exports.Set("unlink", Napi::Function::New<File::Unlink>(env, "unlink"));
  exports.Set("realFolder", Napi::Function::New<File::RealFolder>(env, "realFolder"));
  exports.Set("realPath", Napi::Function::New<File::RealPath>(env, "realPath"));
  exports.Set("rename", Napi::Function::New<File::Rename>(env, "rename"));
  exports.Set("seek", Napi::Function::New<Seek>(env, "seek"));
  exports.Set("descriptorFlags", Napi::Function::New<DescriptorFlags>(env, "descriptorFlags"));
  exports.Set("duplicate", Napi::Function::New<Duplicate>(env, "duplicate"));
  exports.Set("closeDuplicate", Napi::Function::New<CloseDuplicate>(env, "closeDuplicate"));
  exports.Set("tryLock", Napi::Function::New<TryLock>(env, "tryLock"));
  exports.Set("makePipe", Napi::Function::New<MakePipe>(env, "makePipe"));
  exports.Set("setPipeSize", Napi::Function::New<SetPipeSize>(env, "setPipeSize"));
  exports.Set("splicePipe", Napi::Function::New<SplicePipe>(env, "splicePipe"));
  exports.Set("waitReadable", Napi::Function::New<WaitReadable>(env, "waitReadable"));
  exports.Set("syncFolder", Napi::Function::New<File::SyncFolder>(env, "syncFolder"));
  exports.Set("startRing", Napi::Function::New<StartRing>(env, "startRing"));
  exports.Set("misalignment", Napi::Function::New<Misalignment>(env, "misalignment"));
  exports.Set("takeMemory", Napi::Function::New<TakeMemory>(env, "takeMemory"));
  exports.Set("giveMemory", Napi::Function::New<GiveMemory>(env, "giveMemory"));
  exports.Set("setMemoryCap", Napi::Function::New<SetMemoryCap>(env, "setMemoryCap"));
  exports.Set("memory", Napi::Function::New<Memory>(env, "memory"));
  exports.Set("preferLargePages", Napi::Function::New<PreferLargePages>(env, "preferLargePages"));
  exports.Set("registerBuffer", Napi::Function::New<RegisterBuffer>(env, "registerBuffer"));
  exports.Set("releaseMemory", Napi::Function::New<ReleaseMemory>(env, "releaseMemory"));
  exports.Set("streamCopy", Napi::Function::New<StreamCopy>(env, "streamCopy"));
  exports.Set("storeCosts", Napi::Function::New<StoreCosts>(env, "storeCosts"));
  exports.Set("constants", Constants(env));
  return exports;
}

}  // namespace

}  // namespace uncached_io

static Napi::Object InitUncachedIo(Napi::Env env, Napi::Object exports) { return uncached_io::Init(env, exports); }

NODE_API_MODULE(NODE_GYP_MODULE_NAME, InitUncachedIo)
