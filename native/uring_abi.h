// io_uring as the kernel lays it out, for headers that are too old to know it: linux/io_uring.h. Only what is used here;
// values are the kernel's ABI and never change. The numbers of its system calls are the same on every architecture.
#pragma once

#include <cstdint>

namespace uncached_io::uring {

constexpr long kSysSetup = 425;
constexpr long kSysEnter = 426;
constexpr long kSysRegister = 427;

// io_uring_setup
constexpr uint32_t kSetupSubmitAll = 1U << 7;  // Linux 5.18
constexpr uint32_t kFeatureNativeWorkers = 1U << 9;  // Linux 5.12

struct SubmissionOffsets {
  uint32_t head, tail, ringMask, ringEntries, flags, dropped, array, reserved1;
  uint64_t userAddress;
};

struct CompletionOffsets {
  uint32_t head, tail, ringMask, ringEntries, overflow, cqes, flags, reserved1;
  uint64_t userAddress;
};

struct Params {
  uint32_t submissionEntries;
  uint32_t completionEntries;
  uint32_t flags;
  uint32_t threadCpu;
  uint32_t threadIdle;
  uint32_t features;
  uint32_t workQueueFd;
  uint32_t reserved[3];
  SubmissionOffsets submission;
  CompletionOffsets completion;
};
static_assert(sizeof(Params) == 120, "the kernel copies 120 bytes");

// mmap
constexpr int64_t kOffsetRings = 0;
constexpr int64_t kOffsetEntries = 0x10000000;

// One request.
struct Submission {
  uint8_t opcode;
  uint8_t flags;
  uint16_t priority;
  int32_t file;  // a descriptor, or an index of registered files
  uint64_t offset;
  uint64_t address;
  uint32_t length;
  uint32_t callFlags;  // of writes: RWF_*
  uint64_t userData;
  uint16_t bufferIndex;
  uint16_t personality;
  int32_t spliceFile;
  uint64_t reserved[2];
};
static_assert(sizeof(Submission) == 64, "the kernel reads 64 bytes");

constexpr uint8_t kOpWriteFixed = 5;
constexpr uint8_t kOpWrite = 23;            // Linux 5.6
constexpr uint8_t kFlagFixedFile = 1U << 0;
constexpr uint8_t kFlagAsync = 1U << 4;  // Linux 5.6: on a thread of the kernel at once

// One answer.
struct Completion {
  uint64_t userData;
  int32_t result;  // what the system call would have returned, -errno on failure
  uint32_t flags;
};

// io_uring_register
constexpr uint32_t kRegisterFiles = 2;
constexpr uint32_t kRegisterFilesUpdate = 6;
constexpr uint32_t kRegisterBuffers2 = 15;       // Linux 5.13
constexpr uint32_t kRegisterBuffersUpdate = 16;  // Linux 5.13
constexpr uint32_t kRegisterSparse = 1U << 0;    // Linux 5.19

struct FilesUpdate {
  uint32_t offset;
  uint32_t reserved;
  uint64_t descriptors;  // address of int32_t[]
};

struct ResourceRegister {
  uint32_t count;
  uint32_t flags;
  uint64_t reserved;
  uint64_t data;
  uint64_t tags;
};

struct ResourceUpdate {
  uint32_t offset;
  uint32_t reserved;
  uint64_t data;  // address of iovec[]
  uint64_t tags;
  uint32_t count;
  uint32_t reserved2;
};

}  // namespace uncached_io::uring
