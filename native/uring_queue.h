// The engine on io_uring: one ring for all writers of an environment. JavaScript's thread hands writes to the kernel,
// which does not wait for the device there; a second thread sleeps until there are answers, and passes them on.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "io_queue.h"
#include "ring.h"

namespace uncached_io {

// JavaScript's thread only, but for what the handlers are called on.
class UringQueue : public IoQueue {
 public:
  // Called on any thread.
  using Handler = std::function<void(std::unique_ptr<WriteRequest>)>;

  // `done` gets each request that was answered, `refused` those that the ring can't do at the moment.
  UringQueue(Handler done, Handler refused) : done_(std::move(done)), refused_(std::move(refused)) {}
  ~UringQueue() override { Stop(); }

  // Once, before anything else: sets up the ring and its thread. 0 or the errno of what is missing.
  int Start();

  // What does not fit into the ring waits until Pump.
  void Submit(std::unique_ptr<WriteRequest> request) override;

  // To be called when requests were answered.
  void Pump();

  // Takes a file, which the ring keeps open, out of its table. No write of it may be under way.
  void Forget(const Descriptor& file);

  // Gives memory a place, from which writes skip pinning its pages. Not negative, or -errno. Memory that is freed before
  // ForgetBuffer must not be written from by this place any more.
  int RegisterBuffer(const uint8_t* data, size_t length);
  void ForgetBuffer(int place);

  // Waits for what the kernel has, drops the rest, joins the thread. Safe to call twice.
  void Stop();

 private:
  struct Buffer {
    const uint8_t* data = nullptr;
    size_t length = 0;
  };

  void Reap();
  std::unique_ptr<WriteRequest> TakeOut(uint64_t mark);
  void OnCompletion(const uring::Completion& completion);
  void Prepare(uring::Submission& submission, const WriteRequest& request);
  void SetFile(uring::Submission& submission, const Descriptor& file);
  void SetMemory(uring::Submission& submission, const WriteRequest& request) const;
  uint32_t InRing() const {
    return submitted_.load(std::memory_order_acquire) - answered_.load(std::memory_order_acquire);
  }

  const Handler done_;
  const Handler refused_;
  Ring ring_;
  std::thread reaper_;
  int stopFd_ = -1;
  bool stopping_ = false;

  std::deque<std::unique_ptr<WriteRequest>> waiting_;
  // Both wrap around; their difference is what the kernel has. They also order what the threads do to a request: that the
  // kernel hands it on from one to the other is not known to C++.
  std::atomic<uint32_t> submitted_{0};
  std::atomic<uint32_t> answered_{0};

  std::unordered_map<const Descriptor*, uint32_t> files_;
  std::vector<uint32_t> freeFiles_;
  std::vector<Buffer> buffers_;
  std::vector<uint32_t> freeBuffers_;
};

}  // namespace uncached_io
