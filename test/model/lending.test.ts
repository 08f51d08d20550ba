import { readFileSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { Writer } from '../../src/writer.ts'
import { alignedBytes, randomNumbers, someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, kernelError, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'

// Memory that is lent to the kernel belongs to the caller again as soon as the call settles. Here it is overwritten at
// once, while completions come late, in any order, short, or not at all.

const folder = temporaryFolder()
const block = 4096
const bufferSize = 4 * block

/** LENDING_SEED runs all of them with another one. */
const baseSeed = Number(process.env.LENDING_SEED ?? 4711)

let rejections = 0

/** Writes that are done and answered when they like; some are short, and now and then there is no space. */
function moody(next: (below: number) => number, fails: boolean): FileFaults {
  const delay = async (): Promise<void> => {
    const kind = next(4)
    if (kind === 0) await setTimeout(next(3))
    for (let i = 0; i < kind; i++) await setImmediate()
  }
  return {
    pwrite: async (real, view, viewOffset, length, ...rest) => {
      await delay()
      if (fails && next(12) === 0) throw kernelError('ENOSPC', 28, 'pwritev2')
      const part = next(6) === 0 ? Math.max(block, length - block * next(3)) : length
      const written = await real.pwrite(view, viewOffset, part, ...rest)
      await delay()
      return written
    },
  }
}

/** Chunks that are filled, lent, and filled anew the moment that they come back. */
class Run {
  readonly #next: (below: number) => number
  readonly #memory: Uint8Array[]
  #expected: Buffer[] = []
  #seed = 1

  constructor(
    seed: number,
    private readonly fails: boolean,
  ) {
    this.#next = randomNumbers(seed)
    this.#memory = Array.from({ length: 7 }, (_, i) => alignedBytes((1 + (i % 3)) * bufferSize))
  }

  async run(rounds: number): Promise<void> {
    const path = freshPath(folder)
    const queueDepth = 1 + this.#next(5)
    const binding = faultyBinding(moody(this.#next, this.fails))
    const options = { strategy: 'direct', bufferSize, queueDepth } as const
    const writer = await openForTest(path, options, { binding, alignment: { memory: block, offset: block } })
    expectMode(writer, 'direct')
    for (let i = 0; i < rounds; i++) await this.#round(writer)
    await this.#tried(() => writer.end())
    const expected = Buffer.concat(this.#expected)
    const got = readFileSync(path)
    const at = got.findIndex((byte, index) => byte !== expected[index])
    expect({ length: got.byteLength, at }).toEqual({ length: expected.byteLength, at: -1 })
  }

  /** Some calls at once; each call's memory is spoilt in the very step in which it settles. */
  async #round(writer: Writer): Promise<void> {
    let offered = this.#memory.slice(0, 1 + this.#next(this.#memory.length)).map((memory) => this.#fill(memory))
    if (this.#next(5) === 0) offered.push(Uint8Array.from(someBytes(1 + this.#next(9000), this.#seed++)))
    while (offered.length > 0) {
      const copies = offered.map((chunk) => Buffer.from(chunk))
      const outcomes = await Promise.all(offered.map((chunk) => this.#lend(writer, chunk)))
      const taken = outcomes.filter((ok) => ok).length
      // What is rejected took nothing, and so did everything behind it.
      expect(outcomes.slice(taken)).toEqual(outcomes.slice(taken).fill(false))
      this.#expected.push(...copies.slice(0, taken))
      offered = copies.slice(taken).map((copy, i) => restored(offered[taken + i] as Uint8Array, copy))
      rejections += offered.length
    }
    if (this.#next(8) === 0) await this.#tried(() => writer.flush())
    // Back to where full buffers begin, so that the next ones are lent at once.
    const rest = writer.position % block
    if (rest > 0 && this.#next(2) === 0) await this.#pad(writer, block - rest)
  }

  async #lend(writer: Writer, chunk: Uint8Array): Promise<boolean> {
    return await writer.write(chunk).then(
      () => spoilt(chunk, true),
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
        return spoilt(chunk, false)
      },
    )
  }

  async #pad(writer: Writer, byteLength: number): Promise<void> {
    const bytes = someBytes(byteLength, this.#seed++)
    await this.#tried(() => writer.write(bytes))
    this.#expected.push(bytes)
  }

  /** The same call again until there is space. */
  async #tried(call: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await call()
        return
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
        rejections++
      }
    }
  }

  #fill(memory: Uint8Array): Uint8Array {
    const odd = this.#next(10) === 0 ? 1 + this.#next(block) : 0
    const chunk = memory.subarray(0, memory.byteLength - odd)
    chunk.set(someBytes(chunk.byteLength, this.#seed++))
    return chunk
  }
}

function spoilt(chunk: Uint8Array, outcome: boolean): boolean {
  chunk.fill(0)
  return outcome
}

function restored(chunk: Uint8Array, copy: Buffer): Uint8Array {
  chunk.set(copy)
  return chunk
}

describe(`lent memory that is used again at once (LENDING_SEED=${baseSeed})`, () => {
  it.each(Array.from({ length: 12 }, (_, i) => baseSeed + i))('never spoils the file (seed %i)', async (seed) => {
    await new Run(seed, false).run(40)
  })

  it.each(Array.from({ length: 12 }, (_, i) => baseSeed + 100 + i))(
    'never spoils the file when space runs out now and then (seed %i)',
    async (seed) => {
      await new Run(seed, true).run(25)
    },
  )

  afterAll(() => expect(rejections).toBeGreaterThan(100))
})
