#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "environment.h"
#include "range.h"

namespace uncached_io {

namespace {

constexpr int64_t kUnset = -1;

// The only state that environments share: a cap on the memory of the process is no cap when each thread has its own.
std::atomic<int64_t> heldBytes{0};
std::atomic<int64_t> capBytes{kUnset};

int64_t CapBytes(const Napi::Value& byDefault) {
  const int64_t set = capBytes.load();
  return set == kUnset ? byDefault.As<Napi::Number>().Int64Value() : set;
}

// madvise on the whole pages of a range: the rest may be somebody else's.
int Advise(const uint8_t* data, size_t length, int advice) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + page - 1) & ~(page - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + length) & ~(page - 1);
  return begin < end ? madvise(reinterpret_cast<void*>(begin), end - begin, advice) : 0;
}

}  // namespace

Napi::Value Misalignment(const Napi::CallbackInfo& info) {
  const auto address = reinterpret_cast<uintptr_t>(info[0].As<Napi::Uint8Array>().Data());
  return Napi::Number::New(info.Env(), static_cast<double>(address % info[1].As<Napi::Number>().Uint32Value()));
}

Napi::Value TakeMemory(const Napi::CallbackInfo& info) {
  const int64_t bytes = info[0].As<Napi::Number>().Int64Value();
  const bool always = info[1].ToBoolean();
  const int64_t cap = CapBytes(info[2]);
  int64_t held = heldBytes.load();
  do {
    if (!always && held + bytes > cap) return Napi::Boolean::New(info.Env(), false);
  } while (!heldBytes.compare_exchange_weak(held, held + bytes));
  Environment::Of(info.Env()).heldBytes += bytes;
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value GiveMemory(const Napi::CallbackInfo& info) {
  const int64_t bytes = info[0].As<Napi::Number>().Int64Value();
  heldBytes -= bytes;
  Environment::Of(info.Env()).heldBytes -= bytes;
  return info.Env().Undefined();
}

Napi::Value SetMemoryCap(const Napi::CallbackInfo& info) {
  capBytes = info[0].As<Napi::Number>().Int64Value();
  return info.Env().Undefined();
}

Napi::Value Memory(const Napi::CallbackInfo& info) {
  Napi::Object memory = Napi::Object::New(info.Env());
  memory.Set("capBytes", static_cast<double>(CapBytes(info[0])));
  memory.Set("heldBytes", static_cast<double>(heldBytes.load()));
  return memory;
}

void ReturnMemory(int64_t bytes) { heldBytes -= bytes; }

Napi::Value PreferLargePages(const Napi::CallbackInfo& info) {
  const auto view = info[0].As<Napi::Uint8Array>();
  const size_t offset = info[1].As<Napi::Number>().Int64Value();
  const size_t length = info[2].As<Napi::Number>().Int64Value();
  const uint8_t* data = RangeArgument(view, offset, length);
  // Pages that malloc had in use before are there, cleared and small. Refused where mlockall keeps them.
  Advise(view.Data(), view.ByteLength(), MADV_DONTNEED);
  return Napi::Boolean::New(info.Env(), Advise(data, length, MADV_HUGEPAGE) == 0);
}

Napi::Value RegisterBuffer(const Napi::CallbackInfo& info) {
  const auto view = info[0].As<Napi::Uint8Array>();
  const auto& ring = Environment::Of(info.Env()).ring();
  const int place = ring ? ring->RegisterBuffer(view.Data(), view.ByteLength()) : -ENXIO;
  if (place < 0) throw MakeError(info.Env(), {-place, "io_uring_register", ""});
  return Napi::Number::New(info.Env(), place);
}

Napi::Value ReleaseMemory(const Napi::CallbackInfo& info) {
  const auto view = info[0].As<Napi::Uint8Array>();
  if (const auto& ring = Environment::Of(info.Env()).ring()) ring->ForgetBuffer(info[1].As<Napi::Number>());
  if (Advise(view.Data(), view.ByteLength(), MADV_DONTNEED) != 0) throw MakeError(info.Env(), {errno, "madvise", ""});
  return info.Env().Undefined();
}

}  // namespace uncached_io
