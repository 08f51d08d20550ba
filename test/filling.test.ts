import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Filling, type Mark } from '../src/filling.ts'
import { sealAt } from '../src/plan.ts'
import type { Span } from '../src/span.ts'
import { randomNumbers, someBytes } from './support/bytes.ts'

const pageBytes = 4096
const garbage = 0xee

/** Through the caches, or past them; and then, how often the question for far memory is answered by yes. */
type Copying = 'plain' | 'near' | 'far' | 'far at times'

/** A buffer of a pool: as long as the writer makes them, full of what another writer left. */
function usedBuffer(bufferSize: number, block: number): Buffer {
  return Buffer.alloc(bufferSize + block, garbage)
}

/** Runs random steps of what the writer does on a filling, its spans going to `file` as the kernel would take them. */
class Model {
  readonly file: Buffer
  readonly filling: Filling
  /** What the file has to hold, up to `position`. */
  readonly content: Buffer
  position: number
  readonly #next: (below: number) => number
  #seed = 1

  constructor(
    seed: number,
    readonly block: number,
    readonly bufferSize: number,
    readonly start: number,
    copying: Copying,
    readonly grain = Math.max(block, pageBytes),
  ) {
    this.#next = randomNumbers(seed)
    this.file = Buffer.alloc(start + bufferSize * 80)
    this.content = Buffer.alloc(this.file.byteLength)
    someBytes(start, seed).copy(this.file)
    this.file.copy(this.content, 0, 0, start)
    this.position = start
    const head = this.file.subarray(start - (start % block), start)
    const streamed = copying !== 'plain'
    this.filling = new Filling(block, bufferSize, this.grain, streamed, start, Uint8Array.from(head), (buffer) => {
      // The question costs the beginning of the buffer.
      buffer.fill(garbage, 0, Math.min(20_000, buffer.byteLength))
      return copying === 'far' || (copying === 'far at times' && this.#next(2) === 0)
    })
  }

  steps(count: number): void {
    for (let i = 0; i < count; i++) this.#step(this.#next(100))
  }

  #step(kind: number): void {
    if (kind < 45) this.#put(this.#next(4) === 0 ? this.#next(this.bufferSize * 2) : this.#next(300))
    else if (kind < 60) this.#reserve(1 + this.#next(this.#next(2) === 0 ? this.bufferSize : 300))
    else if (kind < 70) this.#send(this.filling.seal())
    else if (kind < 80) this.flush()
    else if (kind < 85 && this.filling.attached) this.#detachHeld()
    else if (kind < 93) this.#patch()
    else this.#takeAndTakeBack()
  }

  flush(): void {
    if (this.filling.filled === 0) return
    this.#attach()
    const { position } = this
    const span = this.filling.sealPadded(null)
    const padding = span.bytes.subarray(position - span.start, span.end - span.start)
    expect(padding.every((byte) => byte === 0)).toBe(true)
    expect(span.dataEnd).toBe(position)
    this.#send(span)
    expect(this.file.subarray(0, position).equals(this.content.subarray(0, position))).toBe(true)
  }

  #attach(): void {
    if (!this.filling.attached) this.filling.attach(usedBuffer(this.bufferSize, this.block))
  }

  #put(byteLength: number): void {
    const bytes = someBytes(byteLength, this.#seed++)
    bytes.copy(this.content, this.position)
    this.position += byteLength
    for (let from = 0; from < byteLength; ) {
      this.#attach()
      if (this.#next(3) === 0) this.filling.goOn()
      if (from === 0 && byteLength < this.filling.stop - this.filling.staged) {
        this.filling.append(bytes)
        from = byteLength
      } else {
        from += this.filling.put(bytes, from)
      }
      if (this.filling.filled === this.filling.limit) this.#send(this.filling.seal())
    }
    this.#check()
  }

  /** A slot of up to a buffer, of which all or a part is kept. */
  #reserve(byteLength: number): void {
    if (this.filling.attached && this.filling.filled + byteLength > this.bufferSize + this.block) {
      this.#send(this.filling.seal())
    }
    this.#attach()
    this.filling.goOn()
    const slot = this.filling.reserve(Math.min(byteLength, this.bufferSize))
    expect(slot).not.toBeNull()
    const bytes = someBytes(slot!.byteLength, this.#seed++)
    slot!.set(bytes)
    const usedBytes = this.#next(2) === 0 ? bytes.byteLength : this.#next(bytes.byteLength)
    if (!this.filling.commit(usedBytes)) this.filling.commitOrThrow(usedBytes)
    expect(() => this.filling.commitOrThrow(0)).toThrow(/commit without a slot/)
    bytes.copy(this.content, this.position, 0, usedBytes)
    this.position += usedBytes
    if (this.filling.filled >= this.filling.limit) this.#send(this.filling.seal())
    this.#check()
  }

  #send(span: Span | null): void {
    if (span === null) {
      expect(this.filling.filled).toBeLessThan(this.block)
      return
    }
    const length = span.end - span.start
    expect(span.start % this.block).toBe(0)
    expect(length % this.block).toBe(0)
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThanOrEqual(span.bytes.byteLength)
    this.file.set(span.bytes.subarray(0, length), span.start)
    expect(this.filling.offset % this.block).toBe(0)
    expect(this.filling.attached).toBe(false)
  }

  /** An idle writer keeps the tail only: whole blocks are sent first. */
  #detachHeld(): void {
    this.#send(this.filling.seal())
    this.#attach()
    expect(this.filling.detach()).not.toBeNull()
    expect(this.filling.detach()).toBeNull()
    this.#check()
  }

  #patch(): void {
    const held = this.filling.filled
    if (held === 0) return
    const from = this.filling.offset + this.#next(held)
    if (from < this.start) return
    const bytes = someBytes(1 + this.#next(this.position - from), this.#seed++)
    bytes.copy(this.content, from)
    this.filling.patch(bytes, from)
  }

  #takeAndTakeBack(): void {
    if (this.#next(2) === 0) this.#send(this.filling.seal())
    const mark: Mark = this.filling.mark()
    const position = this.position
    const before = Buffer.from(this.content.subarray(position, position + this.bufferSize * 3))
    this.#put(this.#next(this.bufferSize * 3))
    this.filling.restore(mark)
    before.copy(this.content, position)
    this.position = position
    this.#check()
  }

  #check(): void {
    expect(this.filling.position).toBe(this.position)
    expect(this.filling.offset % this.block).toBe(0)
    expect(this.filling.offset + this.filling.filled).toBe(this.position)
  }
}

/** A filling of buffers of 64 KiB, the first of which is full and sent off. */
function afterFullBuffer(isFar: () => boolean): Filling {
  const filling = new Filling(512, 65536, 4096, true, 0, new Uint8Array(0), isFar)
  filling.attach(usedBuffer(65536, 512))
  fill(filling)
  expect(filling.seal()).toMatchObject({ start: 0, end: 65536 })
  return filling
}

/** By small pieces. */
function fill(filling: Filling): void {
  while (filling.filled < filling.limit) filling.put(someBytes(1024), 0)
}

function flushOneByte(filling: Filling): void {
  filling.put(someBytes(1), 0)
  filling.sealPadded(null)
}

const anyModel = fc
  .record({
    seed: fc.nat(),
    block: fc.constantFrom(1, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536),
    blocks: fc.integer({ min: 1, max: 8 }),
    start: fc.nat(100_000),
    copying: fc.constantFrom<Copying>('plain', 'near', 'far', 'far at times'),
  })
  .map(({ seed, block, blocks, start, copying }) => {
    // Large blocks in few: the model holds two files of 120 buffers.
    const count = Math.min(blocks, Math.max(1, 65536 / block))
    const bufferSize = block === 1 ? blocks * 1000 : count * block
    return { seed, block, bufferSize, start, copying }
  })

describe('Filling', () => {
  test.prop([anyModel], { numRuns: 150 })(
    'brings every byte to its place, pads with zeros, and takes back without a trace',
    ({ seed, block, bufferSize, start, copying }) => {
      const model = new Model(seed, block, bufferSize, start, copying)
      model.steps(40)
      model.flush()
      expect(model.position).toBe(model.filling.position)
    },
    60_000,
  )

  test.prop([anyModel])('never fills a buffer beyond where it is sealed', ({ block, bufferSize, start }) => {
    const grain = Math.max(block, pageBytes)
    const head = someBytes(start % block)
    const filling = new Filling(block, bufferSize, grain, true, start, head)
    filling.attach(usedBuffer(bufferSize, block))
    expect(filling.limit).toBe(sealAt(start - (start % block), bufferSize, block, grain))
    const bytes = someBytes(bufferSize * 2 + 1)
    expect(filling.put(bytes, 0)).toBe(filling.limit - head.byteLength)
    expect(filling.filled).toBe(filling.limit)
    expect(filling.put(bytes, 0)).toBe(0)
  })

  it.each([true, false])('holds no slot any more when bytes went past it (staged: %s)', (staged) => {
    const filling = afterFullBuffer(() => staged)
    filling.attach(usedBuffer(65536, 512))
    for (const slotBytes of [100, 32768]) {
      expect(filling.reserve(slotBytes)).not.toBeNull()
      filling.put(someBytes(5000), 0)
      expect(filling.commit(1)).toBe(false)
      expect(() => filling.commitOrThrow(1)).toThrow(/commit without a slot/)
    }
    expect(filling.position).toBe(65536 + 10_000)
  })

  it('stages small pieces of a far buffer, but not of every one, and tries each of several buffers in turn', () => {
    const filling = afterFullBuffer(() => true)
    const buffers = Array.from({ length: 4 }, () => usedBuffer(65536, 512))
    const tried: number[] = []
    for (let i = 0; i < 33 * 4; i++) {
      const buffer = buffers[i % 4]!
      filling.attach(buffer)
      if (filling.stage === buffer) tried.push(i % 4)
      else expect(filling.stage.byteLength).toBe(16384)
      fill(filling)
      filling.seal()
    }
    expect(tried).toEqual([0, 1, 2, 3])
  })

  it.each([
    ['full of small pieces', true, fill],
    ['full of large ones', false, (filling: Filling) => filling.put(someBytes(65536), 0)],
    ['flushed', false, flushOneByte],
  ])('asks for a buffer behind one that was %s: %s', (_, asks, use) => {
    let questions = 0
    const filling = afterFullBuffer(() => ++questions > 0)
    const buffer = usedBuffer(65536, 512)
    filling.attach(buffer)
    expect([questions, filling.stage === buffer]).toEqual([1, false])
    use(filling)
    filling.seal()
    filling.attach(buffer)
    expect([questions, filling.stage === buffer]).toEqual(asks ? [2, false] : [1, true])
  })

  it('pads the tail with what the file holds behind it', () => {
    const block = 512
    const filling = new Filling(block, 4096, 4096, true, 0, new Uint8Array(0))
    filling.attach(usedBuffer(4096, block))
    filling.put(someBytes(100), 0)
    const kept = someBytes(block - 100, 7)
    const { bytes, end, dataEnd } = filling.sealPadded(kept)
    expect([end, dataEnd]).toEqual([block, 100])
    expect(Buffer.concat([someBytes(100), kept]).equals(bytes.subarray(0, block))).toBe(true)
  })

  it('keeps the tail when it moves on over borrowed bytes of whole blocks', () => {
    const filling = new Filling(512, 4096, 4096, true, 1024, new Uint8Array(0))
    // In pieces of a buffer that end on the grain.
    expect([filling.advance(8192), filling.advance(5120), filling.advance(1024)]).toEqual([3072, 4096, 1024])
    expect(filling.position).toBe(9216)
    filling.attach(usedBuffer(4096, 512))
    filling.put(someBytes(10), 0)
    expect(filling.sealPadded(null).start).toBe(9216)
  })

  it('copies a mark: what comes later does not change it', () => {
    const filling = new Filling(512, 4096, 4096, true, 0, new Uint8Array(0))
    filling.attach(usedBuffer(4096, 512))
    filling.put(someBytes(100, 1), 0)
    const mark = filling.mark()
    filling.patch(someBytes(100, 2), 0)
    expect(someBytes(100, 1).equals(mark.tail)).toBe(true)
  })
})
