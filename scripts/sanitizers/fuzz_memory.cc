// Fuzzes the arithmetic and the copying under every transfer: random bounds, alignments and places, memory with an end that
// AddressSanitizer watches.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "../../native/bounds.h"
#include "../../native/cache_bypass.h"

namespace {

using uncached_io::CopyPastCaches;
using uncached_io::IsInside;
using uncached_io::Overhang;

void Demand(bool holds) {
  if (!holds) std::abort();
}

// Numbers near the ends of what 64 bits hold come as often as small ones.
size_t AnySize(FuzzedDataProvider& input) {
  const size_t near = input.ConsumeIntegral<uint8_t>();
  return near % 4 == 0 ? SIZE_MAX - near : near % 4 == 1 ? near : input.ConsumeIntegral<size_t>();
}

void TryBounds(FuzzedDataProvider& input) {
  const size_t offset = AnySize(input);
  const size_t length = AnySize(input);
  const size_t available = AnySize(input);
  const bool inside = static_cast<unsigned __int128>(offset) + length <= available;
  Demand(IsInside(offset, length, available) == inside);
}

void TryOverhang(FuzzedDataProvider& input) {
  const size_t memory = size_t{1} << input.ConsumeIntegralInRange<int>(0, 20);
  const size_t block = size_t{1} << input.ConsumeIntegralInRange<int>(0, 20);
  const size_t address = AnySize(input);
  const size_t length = AnySize(input);
  const size_t position = AnySize(input);
  const bool aligned = address % memory == 0 && length % block == 0 && position % block == 0;
  Demand((Overhang(address, length, position, memory, block) == 0) == aligned);
}

void TryCopy(FuzzedDataProvider& input) {
  const size_t length = input.ConsumeIntegralInRange<size_t>(0, 1024);
  const size_t into = input.ConsumeIntegralInRange<size_t>(0, 130);
  const size_t from = input.ConsumeIntegralInRange<size_t>(0, 130);
  const bool same = input.ConsumeBool();
  // The end of what is copied is the end of the memory: what goes beyond it is seen.
  std::vector<uint8_t> target(std::max(into, same ? from : 0) + length);
  std::vector<uint8_t> source(from + length);
  for (size_t i = 0; i < target.size(); ++i) target[i] = static_cast<uint8_t>(i * 7 + 1);
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i * 13 + 5);
  const std::vector<uint8_t>& origin = same ? target : source;
  std::vector<uint8_t> expected = target;
  const std::vector<uint8_t> copied(origin.begin() + from, origin.begin() + from + length);
  std::copy(copied.begin(), copied.end(), expected.begin() + into);
#ifdef FAULTY
  // A fault that the fuzzer has to find: one length at a few places.
  if (length == 77 && into % 16 == 13) expected[into] ^= 1;
#endif
  CopyPastCaches(target.data() + into, origin.data() + from, length);
  Demand(target == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  switch (input.ConsumeIntegralInRange<int>(0, 2)) {
    case 0:
      TryBounds(input);
      break;
    case 1:
      TryOverhang(input);
      break;
    default:
      TryCopy(input);
  }
  return 0;
}
