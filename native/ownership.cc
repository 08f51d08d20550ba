// On which file system a file stands, whose it is and who may use it. Methods of File.
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <utility>

#include "call.h"
#include "file.h"

namespace uncached_io {

// fstatfs() -> { type, id }: the number of the kind of file system (linux/magic.h), and what tells two of a kind apart.
Napi::Value File::FileSystem(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "fstatfs");
  auto status = std::make_shared<struct statfs>();
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fstatfs", path,
      [file = std::move(file), status] {
        return RetryInterrupted([&] { return fstatfs(file->fd(), status.get()); });
      },
      [status](Napi::Env env, int64_t) {
        uint32_t id[2];
        std::memcpy(id, &status->f_fsid, sizeof id);
        Napi::Object object = Napi::Object::New(env);
        object.Set("type", static_cast<uint32_t>(status->f_type));
        object.Set("id", std::to_string(id[0]) + ":" + std::to_string(id[1]));
        return object;
      });
}

// fchmod(permissions)
Napi::Value File::ChangeMode(const Napi::CallbackInfo& info) {
  const mode_t permissions = info[0].As<Napi::Number>().Uint32Value();
  auto file = Use(info.Env(), "fchmod");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fchmod", path, [file = std::move(file), permissions] { return fchmod(file->fd(), permissions); },
      Nothing);
}

// fchown(userId, groupId)
Napi::Value File::ChangeOwner(const Napi::CallbackInfo& info) {
  const uid_t userId = info[0].As<Napi::Number>().Uint32Value();
  const gid_t groupId = info[1].As<Napi::Number>().Uint32Value();
  auto file = Use(info.Env(), "fchown");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fchown", path,
      [file = std::move(file), userId, groupId] { return fchown(file->fd(), userId, groupId); }, Nothing);
}

}  // namespace uncached_io
