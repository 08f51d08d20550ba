import { constants } from 'node:fs'
import type { Alignment } from './alignment.ts'
import { type Binding, binding, type NativeFile } from './binding.ts'
import { type Engine, engineFor } from './engine.ts'
import { codeOf, type ErrorCode, UncachedIOError } from './errors.ts'
import { allocate } from './memory.ts'
import { residencyOf } from './page-cache.ts'
import { scratchPath } from './scratch.ts'

/** What came of trying a call. */
export type FeatureFinding =
  | { readonly works: true }
  | { readonly works: false; readonly code: ErrorCode | (string & {}); readonly reason: string }

/** The single things that strategies are made of. */
export interface Features {
  /** A block written with O_DIRECT. */
  readonly directWrite: FeatureFinding
  /** A padded block written with O_DIRECT and cut to an odd length, which is what is read back. */
  readonly oddTail: FeatureFinding
  /** A write with RWF_DONTCACHE. */
  readonly dontcache: FeatureFinding
  /** Pages that are written back are dropped by fadvise DONTNEED. */
  readonly dropping: FeatureFinding
  /** fallocate(2). */
  readonly preallocation: FeatureFinding
}

/** Where the file system cannot say what it asks for, as in alignment.ts. */
const blockWithoutAlignment = 4096

/** Some pages: one alone may be kept for reasons of its own. */
const droppedBytes = 256 * 1024

const oddBytes = 77

/**
 * Tries each call with a scratch file.
 *
 * @throws the kernel's error when no file can be made or written: no feature is what is wrong then
 */
export async function tryFeatures(
  folder: string | Buffer,
  engine: 'auto' | Engine,
  alignment: Alignment | null,
): Promise<Features> {
  const native = binding()
  const throughRing = engineFor(engine, native) === 'io_uring'
  const block = Math.max(alignment?.offset ?? blockWithoutAlignment, alignment?.memory ?? blockWithoutAlignment)
  const write = async (file: NativeFile, byteLength: number, flags: number) => {
    const bytes = allocate(byteLength, block).fill(1)
    await file.pwrite(bytes, 0, byteLength, 0, flags, throughRing)
  }
  const tried = async (flags: number, work: (file: NativeFile) => Promise<void>) =>
    await tryCall(native, folder, flags, work)
  const direct = constants.O_DIRECT
  return {
    directWrite: await tried(direct, async (file) => await write(file, block, 0)),
    oddTail: await tried(direct, async (file) => {
      await write(file, block, 0)
      await file.ftruncate(oddBytes)
      await checkTail(file, allocate(block, block))
    }),
    dontcache: await tried(0, async (file) => await write(file, block, native.constants.RWF_DONTCACHE)),
    dropping: await tried(0, async (file) => {
      await write(file, droppedBytes, 0)
      await file.fdatasync()
      await file.fadvise(0, 0, native.constants.POSIX_FADV_DONTNEED)
      const { residentBytes } = await residencyOf(native, file)
      if (residentBytes === 0) return
      throw new UncachedIOError('ERR_FOOTPRINT', `${residentBytes} of ${droppedBytes} bytes stayed in the page cache`)
    }),
    preallocation: await tried(0, async (file) => await file.fallocate(0, 0, droppedBytes)),
  }
}

async function checkTail(file: NativeFile, into: Buffer): Promise<void> {
  const { size } = await file.fstat()
  const gotBytes = await file.pread(into, 0, into.byteLength, 0, 0)
  if (size === oddBytes && gotBytes === oddBytes && into.subarray(0, oddBytes).every((byte) => byte === 1)) return
  throw new UncachedIOError('ERR_CONTENT', `cut to ${oddBytes} bytes it is ${size} long and reads as ${gotBytes}`)
}

async function tryCall(
  native: Binding,
  folder: string | Buffer,
  flags: number,
  work: (file: NativeFile) => Promise<void>,
): Promise<FeatureFinding> {
  try {
    const file = await openNameless(native, folder, flags)
    try {
      await work(file)
    } finally {
      await file.close()
    }
    return { works: true }
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || !isRefusal(code)) throw error
    return { works: false, code, reason: (error as Error).message }
  }
}

async function openNameless(native: Binding, folder: string | Buffer, flags: number): Promise<NativeFile> {
  const path = scratchPath(folder, '.probe')
  try {
    return await native.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | flags, 0o600)
  } finally {
    // The kernel makes the file before it finds that O_DIRECT is not possible.
    await native.unlink(path).catch(() => undefined)
  }
}

/** What a kernel or file system answers to what it can't do, and what a trial finds; anything else is another trouble. */
function isRefusal(code: string): boolean {
  return ['EINVAL', 'EOPNOTSUPP', 'ENOSYS', 'ERR_FOOTPRINT', 'ERR_CONTENT'].includes(code)
}
