// What this addon asks of the kernel and that the C library's headers may be too old to name.
// The only place where such constants and layouts stand; values are the kernel's ABI and never change.
#pragma once

#include <sys/syscall.h>

#include <cstdint>

namespace uncached_io::kernel {

// linux/fs.h, Linux 6.14: write through the page cache, drop the pages once they are on the disk.
constexpr int kRwfDontCache = 0x00000080;

// linux/stat.h. kDioAlign: Linux 6.1. kDioReadAlign: Linux 6.14.
constexpr uint32_t kStatxBasic = 0x000007ff;
constexpr uint32_t kStatxDioAlign = 0x00002000;
constexpr uint32_t kStatxDioReadAlign = 0x00020000;

struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};

// struct statx of linux/stat.h as of Linux 6.16. The kernel writes 256 bytes whatever its age and
// leaves zero what it does not know; the mask says which fields are real.
struct Statx {
  uint32_t mask;
  uint32_t blockSize;
  uint64_t attributes;
  uint32_t linkCount;
  uint32_t userId;
  uint32_t groupId;
  uint16_t mode;
  uint16_t reserved1;
  uint64_t inode;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributesMask;
  StatxTime times[4];
  uint32_t rdevMajor;
  uint32_t rdevMinor;
  uint32_t deviceMajor;
  uint32_t deviceMinor;
  uint64_t mountId;
  uint32_t dioMemoryAlign;
  uint32_t dioOffsetAlign;
  uint64_t subvolume;
  uint32_t atomicWriteUnitMin;
  uint32_t atomicWriteUnitMax;
  uint32_t atomicWriteSegmentsMax;
  uint32_t dioReadOffsetAlign;
  uint64_t reserved2[9];
};
static_assert(sizeof(Statx) == 256, "the kernel copies 256 bytes");

// linux/mman.h, Linux 6.5. One system call number on every architecture since Linux 5.x's common table.
#ifdef SYS_cachestat
constexpr long kSysCachestat = SYS_cachestat;
#else
constexpr long kSysCachestat = 451;
#endif

struct CachestatRange {
  uint64_t offset;
  uint64_t length;  // 0: to the end of the file
};

struct Cachestat {
  uint64_t cachedPages;
  uint64_t dirtyPages;
  uint64_t writebackPages;
  uint64_t evictedPages;
  uint64_t recentlyEvictedPages;
};

}  // namespace uncached_io::kernel
