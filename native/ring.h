// One io_uring: its memory, its requests, its answers, its tables of files and buffers. One thread makes requests and
// fills tables; another one may take the answers.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "uring_abi.h"

namespace uncached_io {

class Ring {
 public:
  Ring() = default;
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Any thread. 0, or the errno that io_uring_setup or mmap gave; then the ring is to be destroyed.
  int Open(uint32_t entries);

  // A request to be filled in, all zero; null when `entries` wait already. No more than twice as many may be on their way to
  // an answer that Drain has given: the kernel keeps further ones to itself until it is asked for them.
  uring::Submission* Next();

  // Hands over what Next gave, without waiting for any answer. 0 or errno.
  int Submit();

  // Requests that Next gave and that the kernel has not taken yet.
  uint32_t Untaken() const { return tail_ - head_->load(std::memory_order_acquire); }

  // Takes back the request that Next gave last and that the kernel has not taken. Gives its user data.
  uint64_t TakeBack();

  // Can be polled: readable while there are answers.
  int fd() const { return fd_; }

  // Calls `each` with every answer that is there.
  template <typename Each>
  void Drain(Each each) {
    uint32_t head = completionHead_->load(std::memory_order_relaxed);
    for (; head != completionTail_->load(std::memory_order_acquire); ++head) {
      const uring::Completion completion = completions_[head & completionMask_];
      completionHead_->store(head + 1, std::memory_order_release);
      each(completion);
    }
  }

  // Tables with `count` free places. False: this kernel has none, or forbids so many; or it keeps a file open for up to a second
  // after it was taken out of its place.
  bool MakeFileTable(uint32_t count);
  bool MakeBufferTable(uint32_t count);

  // Puts a descriptor into a place of the table, -1 empties it. 0 or errno.
  int SetFile(uint32_t index, int fd);

  // Puts memory into a place of the table, (null, 0) empties it. 0 or errno: ENOMEM beyond RLIMIT_MEMLOCK.
  int SetBuffer(uint32_t index, const void* data, size_t length);

 private:
  struct Mapping {
    void* address = MAP_FAILED;
    size_t length = 0;
  };

  bool LetsFilesGoAtOnce();
  int Register(uint32_t opcode, const void* argument, uint32_t count);

  int fd_ = -1;
  Mapping rings_;
  Mapping entries_;

  uring::Submission* submissions_ = nullptr;
  std::atomic<uint32_t>* head_ = nullptr;
  std::atomic<uint32_t>* tailShared_ = nullptr;
  uint32_t tail_ = 0;
  uint32_t mask_ = 0;

  const uring::Completion* completions_ = nullptr;
  std::atomic<uint32_t>* completionHead_ = nullptr;
  std::atomic<uint32_t>* completionTail_ = nullptr;
  uint32_t completionMask_ = 0;
};

}  // namespace uncached_io
