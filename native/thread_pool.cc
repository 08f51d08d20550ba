#include "thread_pool.h"

#include <system_error>
#include <utility>

#include "quiet_thread.h"

namespace uncached_io {

ThreadPool::ThreadPool(size_t maxThreads, Done done) : maxThreads_(maxThreads), done_(std::move(done)) {}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Post(std::unique_ptr<Operation>&& operation) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) return;
  queue_.push_back(std::move(operation));
  if (queue_.size() > idle_ && threads_.size() < maxThreads_) {
    try {
      threads_.push_back(StartQuietThread([this] { Run(); }));
    } catch (const std::system_error&) {
      // EAGAIN: no more threads to be had. Those that run serve the queue; without any there is nobody to do so.
      if (threads_.empty()) {
        operation = std::move(queue_.back());
        queue_.pop_back();
        throw;
      }
    }
  }
  wake_.notify_one();
}

void ThreadPool::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    --idle_;
    if (stopped_) return;
    std::unique_ptr<Operation> operation = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    operation->Execute();
    done_(std::move(operation));
    lock.lock();
  }
}

void ThreadPool::Stop() {
  std::deque<std::unique_ptr<Operation>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace uncached_io
