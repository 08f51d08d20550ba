import { release } from 'node:os'
import type { Strategy } from '../../src/index.ts'

// What this kernel has of what came to Linux while it was looked at here. That the package finds it out by itself is tested by
// holding what it finds against this.

const [major = 0, minor = 0] = release().split(/[.-]/).map(Number)

/** Whether this is Linux `a`.`b` or later. */
function since(a: number, b: number): boolean {
  return major > a || (major === a && minor >= b)
}

/** A ring lets a file go at once when it is taken out of its table: not in 6.1, in 6.12. Without that there is no table. */
export const hasFileTable = since(6, 4)

export const hasCachestat = since(6, 5)

/** Before, tmpfs refuses to open a file with O_DIRECT. */
export const tmpfsTakesDirect = since(6, 6)

/** statx tells a mount by a number that no later one gets. */
export const hasMountNumbers = since(6, 8)

/** With checksums btrfs takes O_DIRECT and writes through the page cache: in 6.12.95 and 6.18, not in 6.1. */
export const btrfsCachesDirect = since(6, 12)

/** RWF_DONTCACHE. */
export const hasDontCache = since(6, 14)

/** The strategies that ext4 and xfs have by this kernel. */
export const strategiesHere: readonly Strategy[] = hasDontCache
  ? ['direct', 'dontcache', 'evict', 'buffered']
  : ['direct', 'evict', 'buffered']

/** btrfs has no dontcache. */
export const strategiesOfBtrfs: readonly Strategy[] = ['direct', 'evict', 'buffered']
