// The engine that works everywhere: our own threads and pwritev2.
#pragma once

#include <memory>

#include "io_queue.h"
#include "thread_pool.h"

namespace uncached_io {

class ThreadQueue : public IoQueue {
 public:
  explicit ThreadQueue(ThreadPool& pool) : pool_(pool) {}
  void Submit(std::unique_ptr<WriteRequest> request) override { pool_.Post(std::move(request)); }

 private:
  ThreadPool& pool_;
};

}  // namespace uncached_io
