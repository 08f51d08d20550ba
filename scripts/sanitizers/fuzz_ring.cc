// Fuzzes the ring against this machine's kernel: requests made, taken back, handed over and answered in any order. Every request
// is answered once, says what the call would have said, and what it wrote is in the file.
#include <fuzzer/FuzzedDataProvider.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <vector>

#include "../../native/ring.h"

namespace {

namespace uring = uncached_io::uring;
using uncached_io::Ring;

constexpr uint32_t kEntries = 8;
// What the ring asks of its caller.
constexpr size_t kUnansweredMax = 2 * kEntries;
// Each request writes a range of its own, so that the order of two never matters.
constexpr size_t kRange = 64;
constexpr size_t kRequestsMax = 200;

void Demand(bool holds) {
  if (!holds) std::abort();
}

struct Request {
  size_t length = 0;
  int expected = 0;
};

class Session {
 public:
  explicit Session(Ring& ring) : ring_(ring), file_(memfd_create("fuzz", MFD_CLOEXEC)), bytes_(kRequestsMax * kRange) {
    Demand(file_ >= 0);
    Demand(ring_.SetFile(0, file_) == 0);
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<uint8_t>(1 + i % 251);
  }

  ~Session() {
    Demand(ring_.SetFile(0, -1) == 0);
    close(file_);
  }

  void Make(FuzzedDataProvider& input) {
    if (made_ == kRequestsMax || open_.size() == kUnansweredMax) return;
    const bool full = ring_.Untaken() == kEntries;
    uring::Submission* submission = ring_.Next();
    Demand((submission == nullptr) == full);
    if (submission == nullptr) return;
    const size_t mark = made_++;
    Request& request = open_[mark];
    request.length = input.ConsumeIntegralInRange<size_t>(0, kRange);
    request.expected = static_cast<int>(request.length);
    submission->opcode = uring::kOpWrite;
    submission->address = reinterpret_cast<uint64_t>(bytes_.data() + mark * kRange);
    submission->length = static_cast<uint32_t>(request.length);
    submission->offset = mark * kRange;
    submission->userData = mark;
    const int kind = input.ConsumeIntegralInRange<int>(0, 3);
    submission->file = kind == 0 ? 1'000'000 : kind == 1 ? 0 : file_;
    if (kind == 0) request.expected = -EBADF;
    if (kind == 1) submission->flags |= uring::kFlagFixedFile;
    if (input.ConsumeBool()) submission->flags |= uring::kFlagAsync;
  }

  void TakeBack() {
    if (ring_.Untaken() == 0) return;
    const uint64_t mark = ring_.TakeBack();
    // The one that was made last: those before it may be on their way already.
    Demand(open_.count(mark) == 1 && open_.rbegin()->first == mark);
    open_.erase(mark);
  }

  void Submit() {
    while (ring_.Untaken() > 0) Demand(ring_.Submit() == 0);
  }

  void Drain() {
    ring_.Drain([this](const uring::Completion& completion) {
      const auto found = open_.find(completion.userData);
      Demand(found != open_.end());
#ifdef FAULTY
      // A fault that the fuzzer has to find: an answer that two requests could have.
      if (found->second.length == 33 && completion.userData == 5) std::abort();
#endif
      Demand(completion.result == found->second.expected);
      if (completion.result >= 0) ExpectWritten(found->first, found->second.length);
      open_.erase(found);
    });
  }

  void Finish() {
    Submit();
    while (!open_.empty()) {
      pollfd ring = {ring_.fd(), POLLIN, 0};
      Demand(poll(&ring, 1, 10'000) == 1);
      Drain();
    }
  }

 private:
  void ExpectWritten(size_t mark, size_t length) {
    std::vector<uint8_t> found(length);
    Demand(pread(file_, found.data(), length, static_cast<off_t>(mark * kRange)) == static_cast<ssize_t>(length));
    Demand(std::equal(found.begin(), found.end(), bytes_.begin() + static_cast<ptrdiff_t>(mark * kRange)));
  }

  Ring& ring_;
  const int file_;
  std::vector<uint8_t> bytes_;
  size_t made_ = 0;
  std::map<uint64_t, Request> open_;
};

Ring& SharedRing() {
  static Ring* ring = [] {
    auto* made = new Ring;
    Demand(made->Open(kEntries) == 0 && made->MakeFileTable(2));
    return made;
  }();
  return *ring;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  Session session(SharedRing());
  while (input.remaining_bytes() > 0) {
    switch (input.ConsumeIntegralInRange<int>(0, 7)) {
      case 0:
        session.Submit();
        break;
      case 1:
        session.Drain();
        break;
      case 2:
        session.TakeBack();
        break;
      default:
        session.Make(input);
    }
  }
  session.Finish();
  return 0;
}
