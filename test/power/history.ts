import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openWriter, type Strategy, writeFile } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { expectMode } from '../support/mode.ts'
import type { Recorder } from './recorder.ts'

/** Something that was told or begun, and how many entries the log had then. */
interface Moment<T> {
  readonly entries: number
  readonly what: T
}

/** Bytes of one file, and what is known of it at any time. */
interface FileHistory {
  readonly name: string
  readonly content: Buffer
  /** Told by `sync`: so many bytes are durable. */
  readonly synced: Moment<number>[]
  /** Told by `end`: the file is done, and so long. */
  ended: Moment<number> | null
  /** Bytes replaced: from when on they may be in the file, and from when on they are durable. */
  readonly patches: { readonly from: number; readonly to: number; readonly begun: number; durable: number }[]
}

/** A file that is replaced as a whole, again and again. */
interface Versions {
  readonly name: string
  readonly contents: Buffer[]
  /** Of each: from when on it may be there, and from when on no older one is. */
  readonly begun: number[]
  readonly told: number[]
}

/** The byte at each offset, never zero; replaced, it is another one. */
const byteAt = (at: number, patched: boolean) => 1 + ((at + (patched ? 1 : 0)) % 251)
const pattern = (from: number, length: number, patched = false) =>
  Buffer.from(Array.from({ length }, (_, i) => byteAt(from + i, patched)))

/** What was written to a recorded file system, and what the callers were told. */
export class History {
  readonly files: FileHistory[] = []
  readonly versions: Versions = { name: 'versions', contents: [], begun: [], told: [] }

  constructor(
    private readonly recorder: Recorder,
    private readonly next: (below: number) => number,
  ) {}

  /** Writes a file in pieces, with a sync now and then, patches, and an end that makes its length exact. */
  async write(strategy: Strategy, rounds: number): Promise<void> {
    const name = `${strategy}-${this.files.length}`
    const preallocate = this.next(2) === 0 ? 0 : 600_000
    const options = { strategy, bufferSize: 65536, queueDepth: 3, preallocate }
    const writer = await openWriter(join(this.recorder.mount, name), options)
    expectMode(writer, strategy)
    const file: FileHistory = { name, content: Buffer.alloc(0), synced: [], ended: null, patches: [] }
    this.files.push(file)
    for (let round = 0; round < rounds; round++) {
      await writer.write(pattern(writer.position, 1 + this.next(round % 4 === 0 ? 120_000 : 6000)))
      if (this.next(3) === 0) await writer.flush()
      if (this.next(3) === 0) await this.#patch(writer, file)
      if (this.next(2) === 0) continue
      await writer.sync()
      file.synced.push({ entries: this.recorder.entries, what: writer.syncedBytes })
      for (const patch of file.patches) patch.durable = Math.min(patch.durable, this.recorder.entries)
    }
    const total = await writer.end()
    file.ended = { entries: this.recorder.entries, what: total }
    for (const patch of file.patches) patch.durable = Math.min(patch.durable, this.recorder.entries)
  }

  async #patch(writer: Awaited<ReturnType<typeof openWriter>>, file: FileHistory): Promise<void> {
    const from = this.next(writer.position)
    const length = Math.min(writer.position - from, 1 + this.next(5000))
    file.patches.push({ from, to: from + length, begun: this.recorder.entries, durable: Infinity })
    await writer.writeAt(pattern(from, length, true), from)
  }

  /** Replaces a file atomically. */
  async replace(): Promise<void> {
    const { contents, begun, told, name } = this.versions
    const content = someBytes(1 + this.next(90_000), contents.length + 1)
    contents.push(content)
    begun.push(this.recorder.entries)
    await writeFile(join(this.recorder.mount, name), content, { atomic: true })
    told.push(this.recorder.entries)
  }

  /**
   * Checks what is there after the power was cut.
   *
   * @param durable so many entries are on the device; of those behind them, up to `reached`, any may be
   */
  expectAfter(folder: string, durable: number): void {
    for (const file of this.files) this.#expectFile(folder, file, durable)
    this.#expectVersion(folder, durable)
  }

  #expectFile(folder: string, file: FileHistory, durable: number): void {
    const synced = file.synced.findLast(({ entries }) => entries <= durable)?.what ?? 0
    const ended = file.ended !== null && file.ended.entries <= durable ? file.ended.what : null
    const safeBytes = ended ?? synced
    if (safeBytes === 0) return
    const path = join(folder, file.name)
    const bytes = readFileSync(path)
    expect(bytes.byteLength, file.name).toBeGreaterThanOrEqual(safeBytes)
    if (ended !== null) expect(statSync(path).size, `${file.name}, ended`).toBe(ended)
    const must = new Uint8Array(safeBytes)
    const may = new Uint8Array(safeBytes)
    for (const patch of file.patches) (patch.durable <= durable ? must : may).fill(1, patch.from, patch.to)
    const wrong = bytes.subarray(0, safeBytes).findIndex((byte, at) => {
      if (byte === byteAt(at, must[at] === 1)) return false
      return may[at] !== 1 || byte !== byteAt(at, true)
    })
    expect({ file: file.name, wrong, safeBytes }).toEqual({ file: file.name, wrong: -1, safeBytes })
  }

  /** An old version or a new one, whole, and none older than what was told. */
  #expectVersion(folder: string, durable: number): void {
    const { name, contents, told } = this.versions
    const oldest = told.findLastIndex((entries) => entries <= durable)
    if (oldest < 0) return
    const found = readFileSync(join(folder, name))
    const version = contents.findIndex((content) => content.equals(found))
    expect({ version, bytes: found.byteLength }).not.toMatchObject({ version: -1 })
    expect(version).toBeGreaterThanOrEqual(oldest)
  }
}
