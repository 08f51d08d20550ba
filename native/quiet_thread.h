// Threads that no signal is delivered to.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace uncached_io {

// Signals belong to Node's threads: a new thread inherits the mask, so all of them are blocked around its start. Throws
// std::system_error when no thread is to be had.
template <typename Work>
std::thread StartQuietThread(Work work) {
  struct Mask {
    Mask() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~Mask() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  } mask;
  return std::thread(std::move(work));
}

}  // namespace uncached_io
