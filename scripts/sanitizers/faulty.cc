// Faults on purpose, one for each thing that the sanitizers are to see. What does not see these proves nothing.
#include <napi.h>

#include <cstdint>
#include <limits>
#include <string>
#include <thread>

namespace {

volatile int shared = 0;

// Behind the end of memory that this addon has.
void Overflow() {
  volatile uint8_t* bytes = new uint8_t[16];
  const size_t length = 16;
  bytes[length] = 1;
  delete[] bytes;
}

// As a finalizer that comes twice would do.
void UseAfterFree() {
  volatile int* number = new int(1);
  delete number;
  *number = 2;
}

void Leak() {
  volatile int* number = new int[1000];
  number[0] = 1;
}

void SignedOverflow() {
  volatile int64_t most = std::numeric_limits<int64_t>::max();
  most = most + 1;
}

void Race() {
  std::thread other([] { shared = shared + 1; });
  shared = shared + 1;
  other.join();
}

void Commit(const Napi::CallbackInfo& info) {
  const std::string fault = info[0].As<Napi::String>();
  if (fault == "overflow") Overflow();
  if (fault == "use-after-free") UseAfterFree();
  if (fault == "leak") Leak();
  if (fault == "signed-overflow") SignedOverflow();
  if (fault == "race") Race();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("commit", Napi::Function::New<Commit>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(faulty, Init)
