// Threads of our own. libuv's pool is never used: a slow disk would otherwise hold up every fs, dns and crypto call.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "operation.h"

namespace uncached_io {

class ThreadPool {
 public:
  // Called on a pool thread with each operation that was executed.
  using Done = std::function<void(std::unique_ptr<Operation>)>;

  ThreadPool(size_t maxThreads, Done done);
  ~ThreadPool();

  // Any thread. Operations start in the order posted; several run at once. After Stop they are dropped. Throws
  // std::system_error, and leaves the operation where it was, when there is no thread and none is to be had.
  void Post(std::unique_ptr<Operation>&& operation);

  // Finishes what has started, drops what has not, joins the threads. JavaScript thread; safe to call twice.
  void Stop();

 private:
  void Run();

  const size_t maxThreads_;
  const Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Operation>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace uncached_io
