#include "ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include "retry.h"

namespace uncached_io {

namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "shared with the kernel");

// All requests of a call are taken, also behind a bad one. Given up only where the kernel is too old for it: EINVAL.
// IORING_SETUP_COOP_TASKRUN and _DEFER_TASKRUN save an interrupt and cost more than that: see CONTRIBUTING.
constexpr uint32_t kSetupFlags[] = {uring::kSetupSubmitAll, 0};

void* Map(int fd, size_t length, int64_t offset) {
  return mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

// A request that the kernel has when the process exits has its only address in the ring: no leak, and not to be told as one.
void ShowToLeakCheck([[maybe_unused]] const void* memory, [[maybe_unused]] size_t length) {
#if defined(__SANITIZE_ADDRESS__)
  __lsan_register_root_region(memory, length);
#endif
}

void HideFromLeakCheck([[maybe_unused]] const void* memory, [[maybe_unused]] size_t length) {
#if defined(__SANITIZE_ADDRESS__)
  __lsan_unregister_root_region(memory, length);
#endif
}

template <typename T>
T* At(void* base, uint32_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + offset);
}

}  // namespace

Ring::~Ring() {
  if (entries_.address != MAP_FAILED) {
    HideFromLeakCheck(entries_.address, entries_.length);
    munmap(entries_.address, entries_.length);
  }
  if (rings_.address != MAP_FAILED) munmap(rings_.address, rings_.length);
  if (fd_ >= 0) close(fd_);
}

int Ring::Open(uint32_t entries) {
  uring::Params params;
  for (const uint32_t flags : kSetupFlags) {
    params = {};
    params.flags = flags;
    fd_ = static_cast<int>(syscall(uring::kSysSetup, entries, &params));
    if (fd_ >= 0 || errno != EINVAL) break;
  }
  if (fd_ < 0) return errno;
  // Before, requests that had to wait ran on kernel threads outside of the process, its limits and its signals. What is
  // older still lacks the operations used here, or maps both rings apart.
  if ((params.features & uring::kFeatureNativeWorkers) == 0) return ENOSYS;
  const auto& submission = params.submission;
  const auto& completion = params.completion;

  rings_.length = std::max(submission.array + params.submissionEntries * sizeof(uint32_t),
                           completion.cqes + params.completionEntries * sizeof(uring::Completion));
  rings_.address = Map(fd_, rings_.length, uring::kOffsetRings);
  if (rings_.address == MAP_FAILED) return errno;
  entries_.length = params.submissionEntries * sizeof(uring::Submission);
  entries_.address = Map(fd_, entries_.length, uring::kOffsetEntries);
  if (entries_.address == MAP_FAILED) return errno;
  ShowToLeakCheck(entries_.address, entries_.length);

  void* rings = rings_.address;
  submissions_ = static_cast<uring::Submission*>(entries_.address);
  head_ = At<std::atomic<uint32_t>>(rings, submission.head);
  tailShared_ = At<std::atomic<uint32_t>>(rings, submission.tail);
  mask_ = *At<uint32_t>(rings, submission.ringMask);
  completions_ = At<uring::Completion>(rings, completion.cqes);
  completionHead_ = At<std::atomic<uint32_t>>(rings, completion.head);
  completionTail_ = At<std::atomic<uint32_t>>(rings, completion.tail);
  completionMask_ = *At<uint32_t>(rings, completion.ringMask);
  // The kernel allows another order of requests than that of their places; it is never used here.
  auto* order = At<uint32_t>(rings, submission.array);
  for (uint32_t i = 0; i < params.submissionEntries; ++i) order[i] = i;
  return 0;
}

uring::Submission* Ring::Next() {
  if (Untaken() > mask_) return nullptr;
  uring::Submission* submission = &submissions_[tail_++ & mask_];
  *submission = {};
  return submission;
}

uint64_t Ring::TakeBack() {
  --tail_;
  tailShared_->store(tail_, std::memory_order_release);
  return submissions_[tail_ & mask_].userData;
}

int Ring::Submit() {
  tailShared_->store(tail_, std::memory_order_release);
  const long answer = RetryInterrupted(
      [&] { return syscall(uring::kSysEnter, fd_, Untaken(), 0U, 0U, nullptr, static_cast<size_t>(0)); });
  return answer < 0 ? errno : 0;
}

bool Ring::MakeFileTable(uint32_t count) {
  const std::vector<int32_t> empty(count, -1);
  return Register(uring::kRegisterFiles, empty.data(), count) == 0 && LetsFilesGoAtOnce();
}

// Not before Linux 6.4 or so: a file system could not be unmounted, nor the space of a removed file be used, after its writer
// has ended. The end of a pipe that only the table has is the file that tells.
bool Ring::LetsFilesGoAtOnce() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  const bool known = SetFile(0, ends[1]) == 0;
  close(ends[1]);
  const bool gone = SetFile(0, -1) == 0;
  pollfd reader = {ends[0], POLLIN, 0};
  poll(&reader, 1, 0);
  close(ends[0]);
  return known && gone && (reader.revents & POLLHUP) != 0;
}

int Ring::SetFile(uint32_t index, int fd) {
  const int32_t descriptor = fd;
  const uring::FilesUpdate update = {index, 0, reinterpret_cast<uint64_t>(&descriptor)};
  return Register(uring::kRegisterFilesUpdate, &update, 1);
}

bool Ring::MakeBufferTable(uint32_t count) {
  const uring::ResourceRegister table = {count, uring::kRegisterSparse, 0, 0, 0};
  return Register(uring::kRegisterBuffers2, &table, sizeof(table)) == 0;
}

int Ring::SetBuffer(uint32_t index, const void* data, size_t length) {
  const iovec vector = {const_cast<void*>(data), length};
  const uring::ResourceUpdate update = {index, 0, reinterpret_cast<uint64_t>(&vector), 0, 1, 0};
  return Register(uring::kRegisterBuffersUpdate, &update, sizeof(update));
}

int Ring::Register(uint32_t opcode, const void* argument, uint32_t count) {
  const long answer = syscall(uring::kSysRegister, fd_, opcode, argument, count);
  return answer < 0 ? errno : 0;
}

}  // namespace uncached_io
