#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <utility>

#include "call.h"
#include "kernel.h"
#include "range.h"
#include "uring_queue.h"

namespace uncached_io {

namespace {

// A path given as a string, or as a Buffer for names that are not UTF-8.
std::string PathArgument(const Napi::Value& value) {
  if (value.IsBuffer()) {
    const auto buffer = value.As<Napi::Buffer<char>>();
    return std::string(buffer.Data(), buffer.Length());
  }
  return value.As<Napi::String>().Utf8Value();
}

// What statx and fstat both say. `device` is one number for each mounted file system.
struct Status {
  uint32_t mode;
  double size;
  uint32_t blockSize;
  uint32_t userId;
  uint32_t groupId;
  uint32_t deviceMajor;
  uint32_t deviceMinor;
};

Napi::Object StatObject(Napi::Env env, const Status& status) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("isFile", S_ISREG(status.mode));
  object.Set("isFolder", S_ISDIR(status.mode));
  object.Set("size", status.size);
  object.Set("blockSize", status.blockSize);
  object.Set("permissions", status.mode & 07777);
  object.Set("userId", status.userId);
  object.Set("groupId", status.groupId);
  object.Set("device", std::to_string(status.deviceMajor) + ":" + std::to_string(status.deviceMinor));
  return object;
}

// realpath(3) of the first argument, of which `cut` leaves what is asked for.
template <typename Cut>
Napi::Value Resolve(const Napi::CallbackInfo& info, Cut cut) {
  const std::string path = PathArgument(info[0]);
  auto resolved = std::make_shared<std::string>();
  return StartCall(
      info.Env(), "realpath", path,
      [path, resolved, cut] {
        char* real = realpath(path.c_str(), nullptr);
        if (real == nullptr) return -1;
        *resolved = real;
        free(real);
        cut(*resolved);
        return 0;
      },
      [resolved](Napi::Env env, int64_t) { return Napi::Buffer<char>::Copy(env, resolved->data(), resolved->size()); });
}

}  // namespace

Napi::FunctionReference File::Define(Napi::Env env) {
  return Napi::Persistent(DefineClass(env, "File",
                                      {
                                          InstanceMethod<&File::Number>("descriptor"),
                                          InstanceMethod<&File::Statx>("statx"),
                                          InstanceMethod<&File::Fstat>("fstat"),
                                          InstanceMethod<&File::RequireAlignment>("requireAlignment"),
                                          InstanceMethod<&File::Write>("pwrite"),
                                          InstanceMethod<&File::Read>("pread"),
                                          InstanceMethod<&File::Allocate>("fallocate"),
                                          InstanceMethod<&File::Truncate>("ftruncate"),
                                          InstanceMethod<&File::SyncData>("fdatasync"),
                                          InstanceMethod<&File::SyncAll>("fsync"),
                                          InstanceMethod<&File::Close>("close"),
                                          InstanceMethod<&File::Cachestat>("cachestat"),
                                          InstanceMethod<&File::Mincore>("mincore"),
                                          InstanceMethod<&File::Advise>("fadvise"),
                                          InstanceMethod<&File::SyncRange>("syncFileRange"),
                                          InstanceMethod<&File::Populate>("populate"),
                                          InstanceMethod<&File::FileSystem>("fstatfs"),
                                          InstanceMethod<&File::ChangeMode>("fchmod"),
                                          InstanceMethod<&File::ChangeOwner>("fchown"),
                                      }));
}

Lease File::Use(Napi::Env env, const char* syscall) {
  if (!descriptor_) throw MakeError(env, {EBADF, syscall, ""});
  return Lease(descriptor_);
}

// descriptor(): its number, for callers that know it to be open. Throws EBADF when it is not.
Napi::Value File::Number(const Napi::CallbackInfo& info) {
  const auto file = Use(info.Env(), "fcntl");
  return Napi::Number::New(info.Env(), file->fd());
}

// requireAlignment(memory, writeOffset, readOffset): from now on refuses every transfer that is not so. Powers of two.
void File::RequireAlignment(const Napi::CallbackInfo& info) {
  const auto file = Use(info.Env(), "fcntl");
  const auto argument = [&](size_t index) { return static_cast<size_t>(info[index].As<Napi::Number>().Int64Value()); };
  file->required = {argument(0), argument(1), argument(2)};
}

// open(path, flags, mode) -> File
Napi::Value File::Open(const Napi::CallbackInfo& info) {
  const std::string path = PathArgument(info[0]);
  const int flags = info[1].As<Napi::Number>().Int32Value() | O_CLOEXEC | O_NOCTTY;
  const mode_t mode = info[2].As<Napi::Number>().Uint32Value();
  auto descriptor = std::make_shared<Descriptor>(path);
  return StartCall(
      info.Env(), "open", path, [descriptor, flags, mode] { return descriptor->Open(flags, mode); },
      [descriptor](Napi::Env env, int64_t) {
        Napi::Object object = Environment::Of(env).fileConstructor.New({});
        File::Unwrap(object)->descriptor_ = descriptor;
        return object;
      });
}

// unlink(path)
Napi::Value File::Unlink(const Napi::CallbackInfo& info) {
  const std::string path = PathArgument(info[0]);
  return StartCall(info.Env(), "unlink", path, [path] { return unlink(path.c_str()); }, Nothing);
}

// realFolder(path) -> Buffer: the folder in which the file at `path` really stands, symbolic links followed.
Napi::Value File::RealFolder(const Napi::CallbackInfo& info) {
  return Resolve(info, [](std::string& path) {
    const size_t slash = path.rfind('/');
    path.resize(slash == 0 ? 1 : slash);
  });
}

// realPath(path) -> Buffer: symbolic links followed.
Napi::Value File::RealPath(const Napi::CallbackInfo& info) {
  return Resolve(info, [](std::string&) {});
}

// rename(from, to, noReplace)
Napi::Value File::Rename(const Napi::CallbackInfo& info) {
  const std::string from = PathArgument(info[0]);
  const std::string to = PathArgument(info[1]);
  const unsigned flags = info[2].ToBoolean() ? kernel::kRenameNoReplace : 0;
  return StartCall(
      info.Env(), "rename", to,
      [from, to, flags] { return syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags); },
      Nothing);
}

// syncFolder(folder): fsync, so that the names in it survive a crash.
Napi::Value File::SyncFolder(const Napi::CallbackInfo& info) {
  const std::string folder = PathArgument(info[0]);
  return StartCall(
      info.Env(), "fsync", folder,
      [folder] {
        const int fd = RetryInterrupted([&] { return open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
        if (fd < 0) return -1;
        const int answer = RetryInterrupted([&] { return fsync(fd); });
        const int error = errno;
        close(fd);
        errno = error;
        return answer;
      },
      Nothing);
}

// statx() -> { isFile, isFolder, size, blockSize, permissions, userId, groupId, device, mount?, dio?: { memory, offset },
// dioRead? }; mount, dio and dioRead are there only when the kernel said that they are real.
Napi::Value File::Statx(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "statx");
  auto stat = std::make_shared<kernel::Statx>();
  const std::string path = file->path();
  return StartCall(
      info.Env(), "statx", path,
      [file = std::move(file), stat] {
        return syscall(SYS_statx, file->fd(), "", AT_EMPTY_PATH,
                       kernel::kStatxBasic | kernel::kStatxMountIdUnique | kernel::kStatxDioAlign |
                           kernel::kStatxDioReadAlign,
                       stat.get());
      },
      [stat](Napi::Env env, int64_t) {
        Napi::Object object =
            StatObject(env, {stat->mode, static_cast<double>(stat->size), stat->blockSize, stat->userId,
                             stat->groupId, stat->deviceMajor, stat->deviceMinor});
        if (stat->mask & kernel::kStatxMountIdUnique) object.Set("mount", std::to_string(stat->mountId));
        if (stat->mask & kernel::kStatxDioAlign) {
          Napi::Object dio = Napi::Object::New(env);
          dio.Set("memory", stat->dioMemoryAlign);
          dio.Set("offset", stat->dioOffsetAlign);
          object.Set("dio", dio);
        }
        if (stat->mask & kernel::kStatxDioReadAlign) object.Set("dioRead", stat->dioReadOffsetAlign);
        return object;
      });
}

// fstat(): what statx says, without alignments, where statx is not allowed.
Napi::Value File::Fstat(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "fstat");
  auto status = std::make_shared<struct stat>();
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fstat", path, [file = std::move(file), status] { return fstat(file->fd(), status.get()); },
      [status](Napi::Env env, int64_t) {
        return StatObject(env, {status->st_mode, static_cast<double>(status->st_size),
                                static_cast<uint32_t>(status->st_blksize), status->st_uid, status->st_gid,
                                major(status->st_dev), minor(status->st_dev)});
      });
}

// pwrite(view, viewOffset, length, position, rwfFlags, throughRing, place) -> bytes taken
Napi::Value File::Write(const Napi::CallbackInfo& info) {
  const auto view = info[0].As<Napi::Uint8Array>();
  const size_t viewOffset = info[1].As<Napi::Number>().Int64Value();
  const size_t length = info[2].As<Napi::Number>().Int64Value();
  const int64_t position = info[3].As<Napi::Number>().Int64Value();
  const int flags = info[4].As<Napi::Number>().Int32Value();
  const bool throughRing = info[5].ToBoolean();
  const int place = info[6].IsNumber() ? info[6].As<Napi::Number>().Int32Value() : -1;
  const uint8_t* data = RangeArgument(view, viewOffset, length);
  Environment& environment = Environment::Of(info.Env());
  auto file = Use(info.Env(), "pwritev2");
  RequireAligned(info.Env(), data, length, position, file->required.memory, file->required.writeOffset);
  if (throughRing) {
    if (!environment.ring()) throw MakeError(info.Env(), {ENXIO, "io_uring_enter", file->path()});
    // The ring takes it into its table with the first write, and has to let go of it before it is closed.
    if (file->ring.expired()) file->ring = environment.ring();
  }
  return environment.Write(
      std::make_unique<WriteRequest>(info.Env(), std::move(file), view, data, length, position, flags, place),
      throughRing);
}

// pread(view, viewOffset, length, position, rwfFlags) -> bytes read, 0 at the end of the file
Napi::Value File::Read(const Napi::CallbackInfo& info) {
  const auto view = info[0].As<Napi::Uint8Array>();
  const size_t viewOffset = info[1].As<Napi::Number>().Int64Value();
  const size_t length = info[2].As<Napi::Number>().Int64Value();
  const int64_t position = info[3].As<Napi::Number>().Int64Value();
  const int flags = info[4].As<Napi::Number>().Int32Value();
  uint8_t* data = RangeArgument(view, viewOffset, length);
  auto file = Use(info.Env(), "preadv2");
  RequireAligned(info.Env(), data, length, position, file->required.memory, file->required.readOffset);
  const std::string path = file->path();
  return StartCall(
      info.Env(), "preadv2", path,
      [file = std::move(file), held = Napi::Persistent(view), data, length, position, flags] {
        const iovec vector = {data, length};
        return RetryInterrupted([&] { return kernel::Preadv2(file->fd(), &vector, position, flags); });
      },
      Bytes);
}

// fallocate(mode, offset, length)
Napi::Value File::Allocate(const Napi::CallbackInfo& info) {
  const int mode = info[0].As<Napi::Number>().Int32Value();
  const int64_t offset = info[1].As<Napi::Number>().Int64Value();
  const int64_t length = info[2].As<Napi::Number>().Int64Value();
  auto file = Use(info.Env(), "fallocate");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fallocate", path,
      [file = std::move(file), mode, offset, length] {
        return RetryInterrupted([&] { return fallocate(file->fd(), mode, offset, length); });
      },
      Nothing);
}

// ftruncate(length)
Napi::Value File::Truncate(const Napi::CallbackInfo& info) {
  const int64_t length = info[0].As<Napi::Number>().Int64Value();
  auto file = Use(info.Env(), "ftruncate");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "ftruncate", path,
      [file = std::move(file), length] { return RetryInterrupted([&] { return ftruncate(file->fd(), length); }); },
      Nothing);
}

// fdatasync()
Napi::Value File::SyncData(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "fdatasync");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fdatasync", path,
      [file = std::move(file)] { return RetryInterrupted([&] { return fdatasync(file->fd()); }); }, Nothing);
}

// fsync()
Napi::Value File::SyncAll(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "fsync");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fsync", path, [file = std::move(file)] { return RetryInterrupted([&] { return fsync(file->fd()); }); },
      Nothing);
}

// close(): refused with EBUSY while operations are outstanding. The file is closed for JavaScript at once.
Napi::Value File::Close(const Napi::CallbackInfo& info) {
  if (!descriptor_) throw MakeError(info.Env(), {EBADF, "close", ""});
  if (descriptor_->users != 0) throw MakeError(info.Env(), {EBUSY, "close", descriptor_->path()});
  auto descriptor = std::move(descriptor_);
  const std::string path = descriptor->path();
  if (const auto ring = std::exchange(descriptor->ring, {}).lock()) ring->Forget(*descriptor);
  return StartCall(info.Env(), "close", path, [descriptor] { return descriptor->Close(); }, Nothing);
}

}  // namespace uncached_io
