#include "store_costs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "cache_bypass.h"
#include "range.h"

namespace uncached_io {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLine = 64;

// Measured at a time: some hundred times as long as reading the clock takes.
constexpr size_t kPart = 8192;

template <typename Work>
double Nanoseconds(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// One store to each line, and no further before all of them have been fetched for it.
void TouchLines(uint8_t* into) {
  for (size_t i = 0; i < kPart; i += kLine) *const_cast<volatile uint8_t*>(into + i) = 0;
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace

Napi::Value StoreCosts(const Napi::CallbackInfo& info) {
  static const std::array<uint8_t, kPart> zeros{};
  const size_t length = info[1].As<Napi::Number>().Int64Value();
  uint8_t* const begin = RangeArgument(info[0].As<Napi::Uint8Array>(), 0, length);
  double plainNs = std::numeric_limits<double>::infinity();
  double streamedNs = plainNs;
  // The least of all parts: whatever interrupts one takes longer than it.
  for (size_t i = 0; i + 2 * kPart <= length; i += 2 * kPart) {
    plainNs = std::min(plainNs, Nanoseconds([&] { TouchLines(begin + i); }));
    streamedNs = std::min(streamedNs, Nanoseconds([&] { CopyPastCaches(begin + i + kPart, zeros.data(), kPart); }));
  }
  Napi::Object costs = Napi::Object::New(info.Env());
  costs.Set("plainNs", plainNs);
  costs.Set("streamedNs", streamedNs);
  return costs;
}

}  // namespace uncached_io
