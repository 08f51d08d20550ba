import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Binding, binding, type NativeFile } from '../../src/binding.ts'
import { type OpenWriterOptions, openWriter, type Strategy, type Writer } from '../../src/index.ts'
import type { Internals } from '../../src/open-file.ts'
import { faultyBinding, openForTest } from '../support/faults.ts'
import { expectMode } from '../support/mode.ts'

export const everyStrategy: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

/** Small enough that a few kilobytes go through several buffers, and a multiple of every block tests use but 64 KiB. */
export const smallBuffer = 8192

/** A writer with small buffers in the mode asked for, which is asserted. */
export async function openSmall(
  path: string,
  strategy: Strategy = 'direct',
  options: OpenWriterOptions = {},
  internals: Internals = {},
): Promise<Writer> {
  const writer = await openForTest(path, { bufferSize: smallBuffer, ...options, strategy }, internals)
  expectMode(writer, strategy)
  return writer
}

/** A writer as users open it, in the mode asked for, which is asserted. */
export async function openUsual(path: string, strategy: Strategy, options: OpenWriterOptions = {}): Promise<Writer> {
  const writer = await openWriter(path, { ...options, strategy })
  expectMode(writer, strategy)
  return writer
}

/** Buffers compared by Buffer.equals, because toEqual walks them byte by byte. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.byteLength).toBe(expected.byteLength)
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, index) => actual[index] !== byte)
  expect.fail(`bytes differ from ${at} on: ${actual[at]} instead of ${expected[at]}`)
}

export function expectFile(path: string, expected: Uint8Array): void {
  expectBytes(readFileSync(path), expected)
}

export interface Transfer {
  readonly view: Uint8Array
  readonly viewOffset: number
  readonly length: number
  readonly position: number
}

/** The addon with every write noted, and the name of every call on the file. */
export function notingBinding(): { native: Binding; writes: Transfer[]; calls: string[] } {
  const writes: Transfer[] = []
  const calls: string[] = []
  const native = faultyBinding({
    pwrite: async (real, view, viewOffset, length, position, flags, throughRing, place) => {
      writes.push({ view, viewOffset, length, position })
      calls.push('pwrite')
      return await real.pwrite(view, viewOffset, length, position, flags, throughRing, place)
    },
    pread: async (real, ...parameters) => {
      calls.push('pread')
      return await real.pread(...parameters)
    },
    ftruncate: async (real, length) => {
      calls.push('ftruncate')
      await real.ftruncate(length)
    },
    fdatasync: async (real) => {
      calls.push('fdatasync')
      await real.fdatasync()
    },
    fallocate: async (real, ...parameters) => {
      calls.push('fallocate')
      await real.fallocate(...parameters)
    },
    close: async (real) => {
      calls.push('close')
      await real.close()
    },
  })
  return {
    native: {
      ...native,
      syncFolder: async (folder) => {
        calls.push('syncFolder')
        await native.syncFolder(folder)
      },
    },
    writes,
    calls,
  }
}

/** The addon whose writes wait until they are let go. */
export function gatedBinding(): { native: Binding; open: () => void; waiting: () => number } {
  let isOpen = false
  let waitingCalls = 0
  const held: (() => void)[] = []
  const native = faultyBinding({
    pwrite: async (real: NativeFile, ...parameters) => {
      if (!isOpen) {
        waitingCalls++
        await new Promise<void>((resolve) => held.push(resolve))
        waitingCalls--
      }
      return await real.pwrite(...parameters)
    },
  })
  return {
    native,
    open: () => {
      isOpen = true
      for (const release of held.splice(0)) release()
    },
    waiting: () => waitingCalls,
  }
}

/** Lets everything run that can run without the disk. */
export async function idle(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate()
}

/** Bytes that the file occupies on the disk. */
export function allocatedBytes(path: string): number {
  execFileSync('sync', [path])
  return Number(execFileSync('stat', ['-c', '%b', path], { encoding: 'utf8' })) * 512
}

/** Writes a file back and drops it from the page cache. */
export async function dropFromCache(path: string): Promise<void> {
  const native = binding()
  const file = await native.open(path, 0, 0)
  await file.fdatasync()
  await file.fadvise(0, 0, native.constants.POSIX_FADV_DONTNEED)
  await file.close()
}

/** The code of what a call throws or rejects with; fails when it does neither. */
export async function codeFrom(call: () => unknown): Promise<unknown> {
  return ((await errorFrom(call)) as { code?: unknown }).code
}

export async function errorFrom(call: () => unknown): Promise<Error> {
  let result: unknown
  try {
    result = await call()
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    return error as Error
  }
  return expect.fail(`nothing was thrown; the call gave ${String(result)}`)
}
