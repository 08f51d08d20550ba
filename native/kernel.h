// What this addon asks of the kernel and that the C library's headers may be too old to name.
// The only place where such constants and layouts stand; values are the kernel's ABI and never change.
#pragma once

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>

namespace uncached_io::kernel {

// linux/fs.h, Linux 6.14: write through the page cache, drop the pages once they are on the disk.
constexpr int kRwfDontCache = 0x00000080;

// linux/fs.h, Linux 3.15.
constexpr unsigned kRenameNoReplace = 1;

// linux/stat.h. MountIdUnique: Linux 6.8, a number that no later mount gets. DioAlign: Linux 6.1. DioReadAlign: Linux 6.14.
constexpr uint32_t kStatxBasic = 0x000007ff;
constexpr uint32_t kStatxDioAlign = 0x00002000;
constexpr uint32_t kStatxMountIdUnique = 0x00004000;
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

// The raw calls: some C libraries lack them. The kernel takes the position as two longs; where one long holds all of
// it, the kernel shifts the other one out.
inline long Preadv2(int fd, const iovec* vector, int64_t position, int flags) {
  return syscall(SYS_preadv2, fd, vector, 1UL, static_cast<long>(position), static_cast<long>(position >> 32), flags);
}

inline long Pwritev2(int fd, const iovec* vector, int64_t position, int flags) {
  return syscall(SYS_pwritev2, fd, vector, 1UL, static_cast<long>(position), static_cast<long>(position >> 32), flags);
}

// linux/mman.h, Linux 6.5. The number is the same on every architecture that Node runs on.
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
