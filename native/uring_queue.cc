#include "uring_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "quiet_thread.h"
#include "retry.h"

namespace uncached_io {

namespace {

// Writes that the kernel has at a time, of all writers together: far more than any device's queue makes use of. The
// kernel's queue of answers has twice the places, so none is ever without one.
constexpr uint32_t kMaxInRing = 256;

// More files than are written at a time; those beyond go by their descriptor. The table must not be larger than the
// limit on open files, which is 1024 in most places.
constexpr uint32_t kFilePlaces = 256;

// Of the buffers of the pool, which come in slabs of some MiB: enough for the memory that the pool keeps.
constexpr uint32_t kBufferPlaces = 64;

std::vector<uint32_t> Places(uint32_t count) {
  std::vector<uint32_t> places(count);
  for (uint32_t i = 0; i < count; ++i) places[i] = count - 1 - i;
  return places;
}

// Whether a write can end in SIGXFSZ, which would end the process if it hit a thread of Node's.
bool FileSizeIsLimited() {
  rlimit limit;
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

int UringQueue::Start() {
  stopFd_ = eventfd(0, EFD_CLOEXEC);
  if (stopFd_ < 0) return errno;
  if (const int error = ring_.Open(kMaxInRing)) return error;
  // Setting up may be allowed where entering is not.
  if (const int error = ring_.Submit()) return error;
  // Tables save a little work for each write. Without them writes name the descriptor and the address.
  if (ring_.MakeFileTable(kFilePlaces)) freeFiles_ = Places(kFilePlaces);
  if (ring_.MakeBufferTable(kBufferPlaces)) freeBuffers_ = Places(kBufferPlaces);
  buffers_.resize(kBufferPlaces);
  try {
    reaper_ = StartQuietThread([this] { Reap(); });
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

void UringQueue::Submit(std::unique_ptr<WriteRequest> request) {
  if (stopping_) return;
  waiting_.push_back(std::move(request));
  Pump();
}

void UringQueue::Pump() {
  if (stopping_) return;
  while (!waiting_.empty() && InRing() < kMaxInRing) {
    uring::Submission* submission = ring_.Next();
    if (submission == nullptr) break;
    Prepare(*submission, *waiting_.front());
    // Its answer brings it back.
    submission->userData = reinterpret_cast<uint64_t>(waiting_.front().release());
    waiting_.pop_front();
    // No fetch_add, which would wait for the line that the reaper has: nobody else writes it.
    submitted_.store(submitted_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  while (ring_.Untaken() > 0) {
    if (ring_.Submit() == 0) continue;
    // The kernel is short of something.
    while (ring_.Untaken() > 0) refused_(TakeOut(ring_.TakeBack()));
  }
}

// The reaper, from its start to its end.
void UringQueue::Reap() {
  pollfd sources[] = {{ring_.fd(), POLLIN, 0}, {stopFd_, POLLIN, 0}};
  bool stopping = false;
  for (;;) {
    RetryInterrupted([&] { return poll(sources, std::size(sources), -1); });
    ring_.Drain([this](const uring::Completion& completion) { OnCompletion(completion); });
    if (sources[1].revents != 0) {
      // Written to only when nothing is submitted any more. It stays readable: poll it no longer.
      stopping = true;
      sources[1].fd = -1;
    }
    if (stopping && InRing() == 0) return;
  }
}

std::unique_ptr<WriteRequest> UringQueue::TakeOut(uint64_t mark) {
  // From here on this thread sees what was done to the request before it was submitted.
  submitted_.load(std::memory_order_acquire);
  answered_.fetch_add(1, std::memory_order_release);
  return std::unique_ptr<WriteRequest>(reinterpret_cast<WriteRequest*>(mark));
}

void UringQueue::OnCompletion(const uring::Completion& completion) {
  std::unique_ptr<WriteRequest> request = TakeOut(completion.userData);
  // Not what a write says that may wait: the kernel got no thread to wait on, or would not wait.
  if (completion.result == -ECANCELED || completion.result == -EAGAIN) {
    refused_(std::move(request));
  } else {
    request->Answer("io_uring_enter", completion.result);
    done_(std::move(request));
  }
}

void UringQueue::Prepare(uring::Submission& submission, const WriteRequest& request) {
  SetFile(submission, request.file());
  SetMemory(submission, request);
  submission.offset = static_cast<uint64_t>(request.position());
  submission.callFlags = static_cast<uint32_t>(request.flags());
  // A write through the page cache copies, and may wait for memory or the disk: for a thread of the kernel.
  if (!request.file().direct() || FileSizeIsLimited()) submission.flags |= uring::kFlagAsync;
}

void UringQueue::SetFile(uring::Submission& submission, const Descriptor& file) {
  submission.file = file.fd();
  auto found = files_.find(&file);
  if (found == files_.end()) {
    if (freeFiles_.empty() || ring_.SetFile(freeFiles_.back(), file.fd()) != 0) return;
    found = files_.emplace(&file, freeFiles_.back()).first;
    freeFiles_.pop_back();
  }
  submission.file = static_cast<int32_t>(found->second);
  submission.flags |= uring::kFlagFixedFile;
}

void UringQueue::SetMemory(uring::Submission& submission, const WriteRequest& request) const {
  submission.opcode = uring::kOpWrite;
  submission.address = reinterpret_cast<uint64_t>(request.data());
  submission.length = static_cast<uint32_t>(request.length());
  if (request.place() < 0 || static_cast<size_t>(request.place()) >= buffers_.size()) return;
  const Buffer& buffer = buffers_[request.place()];
  if (request.data() < buffer.data || request.data() + request.length() > buffer.data + buffer.length) return;
  submission.opcode = uring::kOpWriteFixed;
  submission.bufferIndex = static_cast<uint16_t>(request.place());
}

void UringQueue::Forget(const Descriptor& file) {
  const auto found = files_.find(&file);
  if (found == files_.end()) return;
  ring_.SetFile(found->second, -1);
  freeFiles_.push_back(found->second);
  files_.erase(found);
}

int UringQueue::RegisterBuffer(const uint8_t* data, size_t length) {
  if (freeBuffers_.empty()) return -ENOBUFS;
  const uint32_t place = freeBuffers_.back();
  if (const int error = ring_.SetBuffer(place, data, length)) return -error;
  freeBuffers_.pop_back();
  buffers_[place] = {data, length};
  return static_cast<int>(place);
}

void UringQueue::ForgetBuffer(int place) {
  if (place < 0 || static_cast<size_t>(place) >= buffers_.size() || buffers_[place].data == nullptr) return;
  ring_.SetBuffer(place, nullptr, 0);
  buffers_[place] = {};
  freeBuffers_.push_back(place);
}

void UringQueue::Stop() {
  stopping_ = true;
  if (reaper_.joinable()) {
    const uint64_t one = 1;
    RetryInterrupted([&] { return write(stopFd_, &one, sizeof(one)); });
    reaper_.join();
  }
  waiting_.clear();
  if (stopFd_ >= 0) close(std::exchange(stopFd_, -1));
}

}  // namespace uncached_io
