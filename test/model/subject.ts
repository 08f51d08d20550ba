import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Engine } from '../../src/engine.ts'
import { isRetryable } from '../../src/errors.ts'
import type { Strategy } from '../../src/index.ts'
import type { OpenFlags } from '../../src/options.ts'
import type { Writer } from '../../src/writer.ts'
import { faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath } from '../support/folders.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'
import { type Mood, MoodyDisk } from './disk-moods.ts'

export interface Configuration {
  readonly strategy: Strategy
  readonly engine: Engine
  readonly alignment: number
  /** The alignment that a direct file has then. */
  readonly block: number
  readonly bufferSize: number
  readonly queueDepth: number
}

/** More in a row means that a writer does not come over a disk that is well again. */
const triesMax = 60

/** A pool of bytes none of which is 0: contents are cut out of it. */
const source = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => 1 + ((i * 7919 + (i >> 8)) % 255)))

/** `length` bytes, the same for the same number. */
export function content(length: number, number: number): Buffer {
  const from = (number * 7907) % (source.byteLength - length)
  return source.subarray(from, from + length)
}

/** What a file has to hold: an array of bytes. */
export class FileModel {
  #bytes = Buffer.alloc(1 << 16)
  length = 0
  /** Where the writer stands, and where its own bytes begin. */
  position = 0
  start = 0
  /** Patched since the last flush: what the file holds there is the old or the new. */
  unsure: { from: number; to: number }[] = []
  /** Up to where a write that was rejected may have overwritten what a file held that was there before. */
  spoiltTo = 0

  append(bytes: Uint8Array): void {
    this.#set(bytes, this.position)
    this.position += bytes.byteLength
    this.length = Math.max(this.length, this.position)
  }

  patch(bytes: Uint8Array, offset: number): void {
    this.#set(bytes, offset)
  }

  #set(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.byteLength
    if (end > this.#bytes.byteLength) {
      const more = Buffer.alloc(2 * end)
      this.#bytes.copy(more)
      this.#bytes = more
    }
    this.#bytes.set(bytes, offset)
  }

  get expected(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }
}

/** A writer on a moody disk, and the calls on it that nobody has awaited. */
export class Subject {
  model = new FileModel()
  writer!: Writer
  path: string
  /** For the whole of a test: how often a call had to be made again, and how many writers a broken disk ended. */
  static retries = 0
  static broken = 0
  readonly disk: MoodyDisk
  #flags: OpenFlags = 'w'
  #loose: { readonly bytes: Uint8Array; readonly written: Promise<boolean> }[] = []

  constructor(
    readonly configuration: Configuration,
    readonly folder: string,
    moods: readonly Mood[],
  ) {
    this.path = freshPath(folder, 'model')
    this.disk = new MoodyDisk(moods, configuration.block)
  }

  async open(flags: OpenFlags, start: number): Promise<void> {
    const { strategy, engine, bufferSize, queueDepth, alignment } = this.configuration
    const where = flags === 'a' ? {} : { start }
    const options = { strategy, engine, bufferSize, queueDepth, flags, ...where }
    const internals = { binding: faultyBinding(this.disk.faults), alignment: { memory: 512, offset: alignment } }
    this.writer = await openForTest(this.path, options, internals)
    expectMode(this.writer, strategy)
    const direct = strategyInEffect(strategy) === 'direct'
    if (direct) expect(this.writer.alignment?.offset).toBeGreaterThanOrEqual(alignment)
    else expect(this.writer.alignment).toBeNull()
    this.#flags = flags
    this.#learnSpoilt()
    this.model.start = start
    this.model.position = start
    this.model.unsure = []
    if (flags === 'w') this.model.length = 0
  }

  /** What rejected writes left of an older file is what the file holds from now on. */
  #learnSpoilt(): void {
    const { position, length, spoiltTo } = this.model
    this.model.spoiltTo = 0
    if (position < Math.min(spoiltTo, length))
      this.model.patch(readFileSync(this.path).subarray(position, spoiltTo), position)
  }

  /** Makes a call, again and again while the disk is only out of space. Gives false when it broke: there is a new writer then. */
  async call(make: () => Promise<unknown>): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      try {
        await make()
        return true
      } catch (error) {
        this.expectLadder()
        if (!isRetryable(error)) {
          await this.#afterBreaking(error)
          return false
        }
        expect(error).toMatchObject({ retryable: true })
        expect(tries).toBeLessThan(triesMax)
        Subject.retries++
      }
    }
  }

  /** A write that nobody awaits. */
  writeLoosely(bytes: Uint8Array): void {
    const written = this.writer.write(bytes).then(
      () => true,
      () => false,
    )
    this.#loose.push({ bytes, written })
  }

  /** Waits for the calls that nobody awaited. Those that were rejected took nothing. */
  async settle(): Promise<void> {
    const { model } = this
    const loose = this.#loose.splice(0)
    const aimedTo = loose.reduce((end, { bytes }) => end + bytes.byteLength, model.position)
    for (const { bytes, written } of loose) {
      if (await written) model.append(bytes)
      else model.spoiltTo = Math.max(model.spoiltTo, aimedTo)
    }
    this.expectLadder()
  }

  expectLadder(): void {
    const { acceptedBytes, writtenBytes, syncedBytes } = this.writer
    expect(syncedBytes).toBeLessThanOrEqual(writtenBytes)
    expect(writtenBytes).toBeLessThanOrEqual(acceptedBytes)
  }

  expectPosition(): void {
    expect(this.writer.position).toBe(this.model.position)
    expect(this.writer.acceptedBytes).toBe(this.model.position - this.model.start)
  }

  async flush(): Promise<void> {
    if (!(await this.call(() => this.writer.flush()))) return
    expect(this.writer.writtenBytes).toBe(this.writer.acceptedBytes)
    this.model.unsure = []
    this.expectFile()
  }

  async end(): Promise<boolean> {
    const { position, start } = this.model
    const ended = await this.call(async () => expect(await this.writer.end()).toBe(position - start))
    if (!ended) return false
    expect(this.writer.syncedBytes).toBe(position - start)
    this.expectFile()
    return true
  }

  /** Goes on with another file, perhaps one that is there already. */
  async reset(there: Buffer | null): Promise<void> {
    const { position, start } = this.model
    const nextPath = freshPath(this.folder, 'model')
    const existing = there ?? (this.#flags === 'r+' ? Buffer.alloc(0) : null)
    if (existing !== null) writeFileSync(nextPath, existing)
    const done = await this.call(async () => expect(await this.writer.reset(nextPath)).toBe(position - start))
    if (!done) {
      rmSync(nextPath, { force: true })
      return
    }
    this.expectFile()
    rmSync(this.path)
    this.path = nextPath
    this.model = new FileModel()
    if (existing === null || this.#flags === 'w') return
    this.model.append(existing)
    if (this.#flags === 'r+') this.model.position = 0
    else this.model.start = existing.byteLength
  }

  /** The file is what the model says, all of it. */
  expectFile(): void {
    this.expectContent(this.model.expected.byteLength)
    expect(statSync(this.path).size).toBe(this.model.length)
  }

  /** What the file holds up to `end`, but for what was patched since the last flush. */
  expectContent(end: number): void {
    const file = readFileSync(this.path).subarray(0, end)
    const expected = Buffer.from(this.model.expected.subarray(0, end))
    const { unsure, position, spoiltTo } = this.model
    for (const { from, to } of [...unsure, { from: position, to: spoiltTo }]) {
      const until = Math.min(to, file.byteLength)
      if (from < until) file.copy(expected, from, from, until)
    }
    const at = file.findIndex((byte, index) => byte !== expected[index])
    expect({ at, length: file.byteLength }).toEqual({ at: -1, length: expected.byteLength })
  }

  /** An EIO is final: what is written without a gap is there, the rest is told to be dropped, and no call is taken. */
  async #afterBreaking(error: unknown): Promise<void> {
    expect(error).toMatchObject({ code: 'EIO', retryable: false })
    Subject.broken++
    await expect(this.writer.flush()).rejects.toBe(error)
    expect(this.writer.writeSync(Buffer.alloc(1))).toBe(false)
    await this.writer[Symbol.asyncDispose]()
    for (const { bytes, written } of this.#loose.splice(0)) if (await written) this.model.append(bytes)
    const { writtenBytes, acceptedBytes, droppedBytes } = this.writer
    expect(droppedBytes).toBe(acceptedBytes - writtenBytes)
    this.expectContent(this.model.start + writtenBytes)
    rmSync(this.path)
    this.path = freshPath(this.folder, 'model')
    this.model = new FileModel()
    await this.open('w', 0)
  }
}
