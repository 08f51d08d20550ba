// An open file descriptor, and who uses it.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "alignment_guard.h"
#include "retry.h"

namespace uncached_io {

class UringQueue;

// Shared by the JavaScript object and the operations that use it. Closed by Close, or by the last owner when the
// object was collected or the environment went down, be it before anybody learned that open had succeeded.
class Descriptor {
 public:
  explicit Descriptor(std::string path) : path_(std::move(path)) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }
  // Whether it was opened past the page cache.
  bool direct() const { return direct_; }
  const std::string& path() const { return path_; }

  // Any thread, once. open(2)'s answer. O_NONBLOCK is for opening only: with it, io_uring answers EAGAIN where it would
  // otherwise wait on a thread of the kernel.
  int Open(int flags, mode_t mode) {
    fd_ = RetryInterrupted([&] { return open(path_.c_str(), flags, mode); });
    direct_ = flags & O_DIRECT;
    if (fd_ >= 0 && (flags & O_NONBLOCK) && fcntl(fd_, F_SETFL, flags & ~O_NONBLOCK) != 0) {
      const int error = errno;
      Close();
      errno = error;
    }
    return fd_;
  }

  // Any thread, when nobody else uses it. close(2)'s answer; 0 when it was closed before.
  int Close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 ? 0 : close(fd);
  }

  // JavaScript thread only: how many operations hold this descriptor.
  size_t users = 0;

  // JavaScript thread only: what every transfer of it has to be.
  RequiredAlignment required;

  // JavaScript thread only: the ring that has this file in its table, and so keeps it open.
  std::weak_ptr<UringQueue> ring;

 private:
  int fd_ = -1;
  bool direct_ = false;
  const std::string path_;
};

// Held by every operation on a descriptor: its number can't be closed and reused in the meantime. Made and destroyed
// on the JavaScript thread.
class Lease {
 public:
  explicit Lease(std::shared_ptr<Descriptor> descriptor) : descriptor_(std::move(descriptor)) { ++descriptor_->users; }
  Lease(Lease&&) = default;
  ~Lease() {
    if (descriptor_) --descriptor_->users;
  }
  Descriptor* operator->() const { return descriptor_.get(); }
  Descriptor& operator*() const { return *descriptor_; }

 private:
  std::shared_ptr<Descriptor> descriptor_;
};

}  // namespace uncached_io
