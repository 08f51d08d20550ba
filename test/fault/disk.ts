import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Binding, NativeFile } from '../../src/binding.ts'
import { sharedPool } from '../../src/buffer-pool.ts'
import type { UncachedIOError } from '../../src/errors.ts'
import type { Strategy } from '../../src/index.ts'
import type { OpenWriterOptions } from '../../src/options.ts'
import type { Writer } from '../../src/writer.ts'
import { someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, kernelError, openForTest } from '../support/faults.ts'
import { freshPath } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'

/** The block of the files under test, whatever less the disk asks for. */
export const block = 4096

export const errnoOf: Readonly<Record<string, number>> = {
  EPERM: 1,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EACCES: 13,
  ENOSPC: 28,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  EDQUOT: 122,
}

export function failing(code: string, syscall: string): Error {
  return kernelError(code, errnoOf[code] ?? 5, syscall)
}

export type PwriteArguments = Parameters<NativeFile['pwrite']>

/** Opens a writer over faults: direct, unless the options say otherwise, with small buffers. */
export async function openOver(
  folder: string,
  faults: FileFaults,
  options: OpenWriterOptions & { path?: string; own?: Partial<Binding> } = {},
): Promise<{ writer: Writer; path: string }> {
  const { path = freshPath(folder), own = {}, ...rest } = options
  const settings = { strategy: 'direct', bufferSize: 4 * block, queueDepth: 2, ...rest } as const
  const internals = { binding: faultyBinding(faults, own), alignment: { memory: block, offset: block } }
  const writer = await openForTest(path, settings, internals)
  expectMode(writer, settings.strategy as Strategy)
  return { writer, path }
}

/** A disk on which every file ends at `limitBytes`, until space is made. Takes what fits, then fails. */
export class FullDisk {
  /** How many writes found no space. */
  refusals = 0

  constructor(
    public limitBytes: number,
    private readonly code = 'ENOSPC',
  ) {}

  makeSpace(): void {
    this.limitBytes = Infinity
  }

  readonly faults: FileFaults = {
    pwrite: async (real, view, viewOffset, length, position, flags, throughRing, place) => {
      const fits = Math.min(length, this.limitBytes - position)
      if (fits > 0) return await real.pwrite(view, viewOffset, fits, position, flags, throughRing, place)
      this.refusals++
      throw failing(this.code, 'pwritev2')
    },
  }
}

/** A moment that the test decides. */
export class Gate {
  open!: () => void
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve
  })
}

/** One write that the kernel has not been given yet. */
export interface HeldWrite {
  readonly position: number
  readonly length: number
  readonly view: Uint8Array
  /** Lets it through; resolves when it is done. */
  land(): Promise<void>
  /** Lets the kernel take only so many bytes. */
  landShort(bytes: number): Promise<void>
  fail(error: Error): void
}

/** Writes are held until the test lets each of them go, in any order. */
export class HeldWrites {
  readonly held: HeldWrite[] = []
  #open = false

  readonly faults: FileFaults = {
    pwrite: (real, ...parameters) => {
      if (this.#open) return real.pwrite(...parameters)
      return new Promise<number>((resolve, reject) => this.#hold(real, parameters, resolve, reject))
    },
  }

  /** From now on writes go through; those held still are. */
  letAllThrough(): void {
    this.#open = true
    for (const write of this.held.splice(0)) void write.land()
  }

  /** The `count` writes that come first, waiting for them, in the order they came. */
  async first(count: number): Promise<HeldWrite[]> {
    for (let turn = 0; this.held.length < count; turn++) {
      if (turn > 10_000) throw new Error(`only ${this.held.length} of ${count} writes came`)
      await setImmediate()
    }
    return this.held.splice(0, count)
  }

  #hold(
    real: NativeFile,
    parameters: PwriteArguments,
    resolve: (bytes: number) => void,
    reject: (error: unknown) => void,
  ): void {
    const [view, viewOffset, length, position, flags, throughRing, place] = parameters
    const write = async (bytes: number): Promise<void> => {
      await real.pwrite(view, viewOffset, bytes, position, flags, throughRing, place).then(resolve, reject)
      await quiet()
    }
    this.held.push({
      position,
      length,
      view,
      land: () => write(length),
      landShort: (bytes) => write(bytes),
      fail: reject,
    })
  }
}

/** Waits until everything that needs no disk has happened. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate()
}

/** `promise`, or an error that says that it hangs: quicker and clearer than the test's time limit. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), 8000)
  })
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The error with which `promise` has to reject. */
export async function rejection(promise: Promise<unknown>, what = 'the call'): Promise<UncachedIOError> {
  return await soon(
    promise.then(
      () => {
        throw new Error(`${what} resolved, but should have rejected`)
      },
      (error: unknown) => error as UncachedIOError,
    ),
    what,
  )
}

/** Whether a promise has settled once all is quiet. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const settled = (): void => {
    pending = false
  }
  promise.then(settled, settled)
  await quiet()
  return pending
}

/** Compares without printing megabytes. */
export function expectContent(path: string, content: Uint8Array): void {
  const got = readFileSync(path)
  const differs = got.findIndex((byte, index) => byte !== content[index])
  expect({ length: got.byteLength, differsAt: got.equals(content) ? null : differs }).toEqual({
    length: content.byteLength,
    differsAt: null,
  })
}

/** Remembers what the pool holds, to see later that all was given back. */
export function poolWatch(): () => void {
  const before = sharedPool.usedBytes
  return () => expect(sharedPool.usedBytes).toBe(before)
}

/** Every call on the file in order, as `name(arguments)` without the memory. */
export class CallLog {
  readonly calls: { name: string; parameters: readonly unknown[] }[] = []

  /** `faults`, logged; what is not faulty goes to the kernel. */
  over(faults: FileFaults = {}): FileFaults {
    const names = [
      'statx',
      'fstat',
      'pwrite',
      'pread',
      'fallocate',
      'ftruncate',
      'fdatasync',
      'fadvise',
      'syncFileRange',
      'close',
    ] as const
    const logged: Record<string, unknown> = {}
    for (const name of names) {
      logged[name] = (real: NativeFile, ...parameters: unknown[]) => {
        this.calls.push({ name, parameters })
        const fault = faults[name] as ((file: NativeFile, ...rest: unknown[]) => unknown) | undefined
        const method = real[name] as (...rest: unknown[]) => unknown
        return fault === undefined ? method.apply(real, parameters) : fault(real, ...parameters)
      }
    }
    return logged
  }

  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length
  }

  get names(): string[] {
    return this.calls.map(({ name }) => name)
  }
}

/** A writer with bytes accepted that the disk has no room for: two blocks fit, a write of five and a bit is under way. */
export async function onFullDisk(
  folder: string,
  code = 'ENOSPC',
): Promise<{
  disk: FullDisk
  writer: Writer
  path: string
  content: Buffer
}> {
  const disk = new FullDisk(2 * block, code)
  const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
  const content = someBytes(5 * block + 123)
  expect(writer.writeSync(content)).toBe(true)
  return { disk, writer, path, content }
}
