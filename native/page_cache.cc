// What of a file is resident in the page cache, and how to write it back and drop it. Methods of File.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "call.h"
#include "file.h"
#include "kernel.h"

namespace uncached_io {

namespace {

// mincore wants the range mapped and a byte per page: 1 GiB at a time needs 256 KiB of bytes.
constexpr int64_t kMincoreWindow = int64_t{1} << 30;

// Resident pages of the file's first `length` bytes, or -1 with errno set.
int64_t CountResident(int fd, int64_t length, int64_t pageSize) {
  int64_t resident = 0;
  std::vector<unsigned char> pages;
  for (int64_t offset = 0; offset < length; offset += kMincoreWindow) {
    const size_t window = std::min(kMincoreWindow, length - offset);
    // PROT_NONE: nothing is read through the mapping, so nothing comes into the cache by looking.
    void* address = mmap(nullptr, window, PROT_NONE, MAP_SHARED, fd, offset);
    if (address == MAP_FAILED) return -1;
    pages.assign((window + pageSize - 1) / pageSize, 0);
    const int answer = mincore(address, window, pages.data());
    const int error = errno;
    munmap(address, window);
    errno = error;
    if (answer == -1) return -1;
    resident += std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  }
  return resident;
}

// linux/mman.h, Linux 5.14: reads pages into the cache, and answers with an error where touching them would raise a signal.
constexpr int kMadvPopulateRead = 22;

// A page table entry for each page, and a range that a system call can be interrupted behind: 64 MiB at a time.
constexpr int64_t kPopulateWindow = int64_t{64} << 20;

// Reads a range into the page cache, page by page without reading ahead, and waits for it. `offset` lies on a page.
int ReadIntoCache(int fd, int64_t offset, int64_t length) {
  for (int64_t done = 0; done < length; done += kPopulateWindow) {
    const size_t window = std::min(kPopulateWindow, length - done);
    // Begins the reading in large requests; what follows waits for them.
    errno = posix_fadvise(fd, offset + done, window, POSIX_FADV_WILLNEED);
    if (errno != 0) return -1;
    void* address = mmap(nullptr, window, PROT_READ, MAP_SHARED, fd, offset + done);
    if (address == MAP_FAILED) return -1;
    // Without it a page that was not begun brings in its neighbours.
    madvise(address, window, MADV_RANDOM);
    const int answer = RetryInterrupted([&] { return madvise(address, window, kMadvPopulateRead); });
    const int error = errno;
    munmap(address, window);
    errno = error;
    if (answer == -1) return -1;
  }
  return 0;
}

}  // namespace

// populate(offset, length): reads a range of the file into the page cache, and resolves when it is there. EINVAL before
// Linux 5.14, with the reading begun.
Napi::Value File::Populate(const Napi::CallbackInfo& info) {
  const int64_t offset = info[0].As<Napi::Number>().Int64Value();
  const int64_t length = info[1].As<Napi::Number>().Int64Value();
  auto file = Use(info.Env(), "madvise");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "madvise", path,
      [file = std::move(file), offset, length] { return ReadIntoCache(file->fd(), offset, length); }, Nothing);
}

// cachestat() -> { cachedPages, dirtyPages, writebackPages } of the whole file
Napi::Value File::Cachestat(const Napi::CallbackInfo& info) {
  auto file = Use(info.Env(), "cachestat");
  auto statistics = std::make_shared<kernel::Cachestat>();
  const std::string path = file->path();
  return StartCall(
      info.Env(), "cachestat", path,
      [file = std::move(file), statistics] {
        kernel::CachestatRange wholeFile = {0, 0};
        return syscall(kernel::kSysCachestat, file->fd(), &wholeFile, statistics.get(), 0);
      },
      [statistics](Napi::Env env, int64_t) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("cachedPages", static_cast<double>(statistics->cachedPages));
        object.Set("dirtyPages", static_cast<double>(statistics->dirtyPages));
        object.Set("writebackPages", static_cast<double>(statistics->writebackPages));
        return object;
      });
}

// mincore(length) -> resident pages of the file's first `length` bytes
Napi::Value File::Mincore(const Napi::CallbackInfo& info) {
  const int64_t length = info[0].As<Napi::Number>().Int64Value();
  auto file = Use(info.Env(), "mincore");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "mincore", path,
      [file = std::move(file), length] { return CountResident(file->fd(), length, sysconf(_SC_PAGESIZE)); }, Bytes);
}

// fadvise(offset, length, advice); length 0 is "to the end of the file"
Napi::Value File::Advise(const Napi::CallbackInfo& info) {
  const int64_t offset = info[0].As<Napi::Number>().Int64Value();
  const int64_t length = info[1].As<Napi::Number>().Int64Value();
  const int advice = info[2].As<Napi::Number>().Int32Value();
  auto file = Use(info.Env(), "fadvise64");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "fadvise64", path,
      [file = std::move(file), offset, length, advice] {
        errno = posix_fadvise(file->fd(), offset, length, advice);  // answers with the error instead of setting it
        return errno == 0 ? 0 : -1;
      },
      Nothing);
}

// syncFileRange(offset, length, flags); length 0 is "to the end of the file"
Napi::Value File::SyncRange(const Napi::CallbackInfo& info) {
  const int64_t offset = info[0].As<Napi::Number>().Int64Value();
  const int64_t length = info[1].As<Napi::Number>().Int64Value();
  const unsigned flags = info[2].As<Napi::Number>().Uint32Value();
  auto file = Use(info.Env(), "sync_file_range");
  const std::string path = file->path();
  return StartCall(
      info.Env(), "sync_file_range", path,
      [file = std::move(file), offset, length, flags] {
        return RetryInterrupted([&] { return sync_file_range(file->fd(), offset, length, flags); });
      },
      Nothing);
}

}  // namespace uncached_io
