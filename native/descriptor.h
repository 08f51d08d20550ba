// An open file descriptor, and who uses it.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "retry.h"

namespace uncached_io {

// Shared by the JavaScript object and the operations that use it. Closed by Close, or by the last owner when the
// object was collected or the environment went down, be it before anybody learned that open had succeeded.
class Descriptor {
 public:
  explicit Descriptor(std::string path) : path_(std::move(path)) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

  // Any thread, once. open(2)'s answer.
  int Open(int flags, mode_t mode) { return fd_ = RetryInterrupted([&] { return open(path_.c_str(), flags, mode); }); }

  // Any thread, when nobody else uses it. close(2)'s answer; 0 when it was closed before.
  int Close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 ? 0 : close(fd);
  }

  // JavaScript thread only: how many operations hold this descriptor.
  size_t users = 0;

 private:
  int fd_ = -1;
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

 private:
  std::shared_ptr<Descriptor> descriptor_;
};

}  // namespace uncached_io
