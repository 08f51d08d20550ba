import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * Drops a file's clean pages from the page cache: asks the kernel to. What is not written back yet stays.
 *
 * @throws what dd says
 */
export async function dropPages(path: string): Promise<void> {
  // With `count=0` dd reads nothing and gives the kernel POSIX_FADV_DONTNEED for the whole file.
  await promisify(execFile)('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'])
}
