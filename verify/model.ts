import { InFlight } from '../src/inflight.ts'
import { keepsBehind, padded, progress, remaining, wholeBlocks } from '../src/plan.ts'
import { WatchedBuffer } from './watched-buffer.ts'
import { WatchedFile } from './watched-file.ts'
import { transfer, WatchedRange } from './watched-range.ts'

/**
 * A writer as the package drives plan.ts and inflight.ts, without its memory, its waits and its kernel: only positions,
 * and one byte of the file, at `at`, which may be any. What is true of that byte whatever `at` is, is true of all.
 *
 * Each public method is a step that the writer, its caller, the engine or the kernel takes; `@requires` says when it may.
 * The proof takes any state in which the invariants hold and any step, and shows that they hold behind it.
 *
 * The file:
 *
 * @invariant 0 <= this.start && this.at === this.file.at
 * @invariant this.inflight.written <= this.start || this.inflight.written <= this.file.length
 * @invariant this.inflight.ranges.every((r) => r.doneBytes === 0 || r.start + r.doneBytes <= this.file.length)
 * @invariant this.inflight.ranges.every((r) => r.state === 'failed' || r.end <= this.file.reach)
 *
 * The buffer, and where it follows upon what is in flight:
 *
 * @invariant this.buffer.block === this.block && (this.buffer.limit === 0 || this.buffer.filled < this.buffer.limit)
 * @invariant this.start - this.buffer.offset < this.block && this.inflight.ranges.every((r) => this.start - r.start < this.block)
 * @invariant this.start <= this.position
 * @invariant this.start <= this.inflight.written && this.inflight.written <= this.position
 * @invariant this.inflight.outstanding > 0 || this.buffer.offset <= this.inflight.written
 * @invariant this.inflight.ranges.every((r, i) => i < this.inflight.outstanding - 1 || (this.buffer.offset <= r.dataEnd && r.dataEnd - this.buffer.offset < this.block))
 * @invariant this.inflight.ranges.every((r) => r.dataEnd === r.end || (this.flushing && r.dataEnd === this.position))
 * @invariant this.inflight.ranges.every((r) => r.end <= this.buffer.offset || (r.dataEnd < r.end && r.dataEnd - this.buffer.offset < this.block))
 * @invariant this.buffer.offset <= this.file.touchedTo
 * @invariant this.inflight.ranges.every((r) => r.address >= 0 && r.address % this.memory === 0)
 * @invariant this.inflight.ranges.every((r) => r.dataEnd <= this.position && r.address <= 4_503_599_627_370_496 && r.end - r.start <= 1_073_741_824)
 *
 * Failures and flushes:
 *
 * @invariant !this.told || this.inflight.ranges.every((r) => r.state === 'failed' && r.start + r.doneBytes < r.end && r.end === r.dataEnd)
 * @invariant !this.told || (!this.flushing && !this.failing)
 * @invariant !this.told || this.inflight.ranges.every((r, i) => i === 0 ? r.start + r.doneBytes <= this.inflight.written : r.doneBytes === 0)
 * @invariant this.told || this.failing || this.inflight.ranges.every((r) => r.state !== 'failed')
 * @invariant this.flushedTo <= this.inflight.written && (!this.marked || this.flushedTo <= this.markPosition)
 * @invariant !this.flushing || this.inflight.outstanding > 0 || this.inflight.written === this.position
 * @invariant !this.flushing || this.inflight.written === this.position || this.inflight.ranges.every((r, i) => i < this.inflight.outstanding - 1 || r.dataEnd === this.position)
 * @invariant !this.flushing || (!this.marked && (!this.stale || this.inflight.outstanding > 0))
 * @invariant !this.flushing || !this.stale || this.inflight.ranges.every((r, i) => i < this.inflight.outstanding - 1 || r.dataEnd === this.position)
 * @invariant !this.marked || (this.start <= this.markPosition && this.markPosition <= this.position)
 *
 * The watched byte: where it is the caller's it is what he gave, in the buffer, in flight and in the file.
 *
 * @invariant this.at < this.buffer.offset || this.at >= this.position || this.buffer.held === this.given
 * @invariant this.inflight.ranges.every((r) => this.at < r.start || this.at >= r.dataEnd || r.content === this.given)
 * @invariant this.inflight.ranges.every((r) => this.at < r.start || this.at >= r.dataEnd || this.at >= r.start + r.doneBytes || (this.file.stored === this.given && !this.stale))
 * @invariant this.at >= this.inflight.written || this.stale || this.file.stored === this.given
 * @invariant !this.stale || (this.patched && this.at < this.position && this.at >= this.unwritten)
 * @invariant !this.marked || this.at >= this.markPosition || this.at < this.markPosition - (this.markPosition % this.block) || this.markHeld === this.given
 *
 * And where it is not, it is what was there when the file was opened, or zero:
 *
 * @invariant this.at >= this.start || this.given === this.file.original
 * @invariant this.inflight.ranges.every((r) => this.at < this.file.touchedTo || this.at < r.dataEnd || this.at >= r.end || r.content === this.file.original)
 * @invariant this.inflight.ranges.every((r) => r.dataEnd <= this.file.touchedTo)
 */
export class WatchedWriter {
  start = 0
  /** A write failed and others are still flying; everything is down and the caller has been told. */
  failing = false
  told = false
  /** Between the submission of a flush and its end nothing else is taken. */
  flushing = false
  flushedTo = 0
  patched = false
  /** A call is under way that is taken back when it fails. */
  marked = false
  markPosition = 0
  markHeld = 0
  /** What the watched byte of the file has to be. */
  given = 0
  /** The buffer has another byte than the file because of `patch`. */
  stale = false
  readonly file: WatchedFile
  readonly buffer: WatchedBuffer
  inflight: InFlight<WatchedRange>

  /**
   * @requires block <= bufferSize && bufferSize % block === 0 && bufferSize <= 1_073_741_824
   * @requires 0 <= start && start <= 9_000_000_000_000_000 && 0 <= lengthAtOpen && lengthAtOpen <= 9_000_000_000_000_000
   * @requires 0 <= preallocate && start + preallocate <= 9_000_000_000_000_000
   * @requires 0 <= at && (at < lengthAtOpen || byte === 0)
   */
  constructor(
    readonly block: number,
    readonly memory: number,
    bufferSize: number,
    readonly at: number,
    start: number,
    lengthAtOpen: number,
    preallocate: number,
    byte: number,
  ) {
    this.file = new WatchedFile(at)
    this.buffer = new WatchedBuffer(block, bufferSize)
    this.inflight = new InFlight(start, block)
    this.#begin(start, lengthAtOpen, preallocate, byte)
  }

  /** The position of the next byte. */
  get position(): number {
    return this.buffer.position
  }

  /** Where the first byte stands that is not only in the file. */
  get unwritten(): number {
    const first = this.inflight.ranges[0]
    return first === undefined ? this.buffer.offset : first.start
  }

  #begin(start: number, lengthAtOpen: number, preallocate: number, byte: number): void {
    this.start = start
    this.file.open(lengthAtOpen, preallocate === 0 ? 0 : start + preallocate, start, byte)
    this.buffer.open(start, byte)
    this.failing = false
    this.told = false
    this.flushing = false
    this.flushedTo = start
    this.patched = false
    this.marked = false
    this.given = byte
    this.stale = false
  }

  /**
   * Copies bytes into the buffer, as many as fit; a full one is sent off.
   *
   * @requires !this.flushing && count > 0 && count <= 1_073_741_824 && this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  append(count: number, byte: number, address: number): void {
    this.buffer.attach()
    const taken = Math.min(count, this.buffer.limit - this.buffer.filled)
    if (this.position <= this.at && this.at < this.position + taken) {
      this.given = byte
      this.buffer.held = byte
    }
    this.buffer.take(taken)
    if (this.buffer.filled >= this.buffer.limit) this.#sendWhole(address)
  }

  /**
   * Sends off the whole blocks of a buffer that is not full.
   *
   * @requires !this.flushing && this.buffer.filled >= this.block
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  seal(address: number): void {
    this.#sendWhole(address)
  }

  /**
   * Sends off whole blocks from the caller's own memory.
   *
   * @requires !this.flushing && this.buffer.filled === 0 && count > 0 && count % this.block === 0 && count <= 1_073_741_824
   * @requires this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  lend(count: number, byte: number, address: number): void {
    const end = this.buffer.offset + Math.min(count, this.buffer.piece)
    if (this.buffer.offset <= this.at && this.at < end) this.given = byte
    this.#submit(this.buffer.offset, end, end, byte, address)
    this.buffer.skip(end - this.buffer.offset)
  }

  /**
   * Gives up a buffer of which only the tail is left.
   *
   * @requires !this.flushing && this.buffer.filled < this.block
   */
  giveBack(): void {
    this.buffer.giveBack()
  }

  /**
   * Sends off all that is in the buffer, padded, unless the file has it already.
   *
   * @requires !this.flushing && !this.told && !this.marked && this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  flush(address: number): void {
    if (this.buffer.filled > 0 && (this.position !== this.flushedTo || this.patched)) {
      this.buffer.attach()
      const { start, end, dataEnd } = padded(this.buffer.fill, this.block)
      const keeps = keepsBehind(dataEnd, this.file.lengthAtOpen, this.block)
      const behind = keeps ? this.file.stored : 0
      this.#submit(start, end, dataEnd, this.at < dataEnd ? this.buffer.held : behind, address)
      this.buffer.keepTail()
    }
    this.flushing = true
  }

  /**
   * The flush is over: everything has landed.
   *
   * @requires this.flushing && !this.failing && this.inflight.outstanding === 0
   * @ensures this.inflight.written === this.position && !this.stale
   * @ensures this.at >= this.position || this.file.stored === this.given
   * @ensures this.file.length === Math.max(this.file.lengthAtOpen, this.position > this.start ? this.position : 0, done ? 0 : this.file.preallocatedEnd)
   */
  settle(done: boolean): void {
    this.file.cut(this.position > this.start ? this.position : 0, done)
    this.flushedTo = this.position
    this.patched = false
    this.flushing = false
  }

  /**
   * After an end that failed: what is behind the gap is nobody's.
   *
   * @requires this.told
   * @ensures this.file.length === Math.max(this.file.lengthAtOpen, this.inflight.written > this.start ? this.inflight.written : 0)
   */
  cutBehind(): void {
    this.file.cut(this.inflight.written > this.start ? this.inflight.written : 0, true)
  }

  /**
   * The kernel took bytes of a transfer, all or fewer.
   *
   * @requires 0 <= index && index < this.inflight.outstanding && this.inflight.ranges[index].state === 'flying'
   * @requires 0 <= bytes && bytes <= this.inflight.ranges[index].end - this.inflight.ranges[index].start - this.inflight.ranges[index].doneBytes
   * @requires this.inflight.ranges[index].start + this.inflight.ranges[index].doneBytes < this.inflight.ranges[index].end
   */
  took(index: number, bytes: number): void {
    const range = this.inflight.ranges[index] as WatchedRange
    const { from, position, length } = remaining(range.start, range.end, range.doneBytes)
    transfer(position, length, range.address + from, this.block, this.memory)
    this.#write(range, position, position + bytes)
    range.doneBytes += progress(bytes, this.block)
  }

  /**
   * A transfer is whole.
   *
   * @requires 0 <= index && index < this.inflight.outstanding && this.inflight.ranges[index].state === 'flying'
   * @requires this.inflight.ranges[index].start + this.inflight.ranges[index].doneBytes === this.inflight.ranges[index].end
   */
  landed(index: number): void {
    let seenTo = this.unwritten
    const finished = this.inflight.landed(this.inflight.ranges[index] as WatchedRange)
    /**
     * Every byte of them is in the file.
     *
     * @invariant seenTo === (index === 0 ? old(this.unwritten) : finished[index - 1].dataEnd)
     * @invariant this.at < old(this.unwritten) || this.at >= seenTo || (this.file.stored === this.given && !this.stale)
     */
    for (const { dataEnd } of finished) seenTo = Math.max(seenTo, dataEnd)
  }

  /**
   * A transfer failed. Nobody knows how much of it came to the file: `torn` of its bytes, and whether the watched one did.
   *
   * @requires 0 <= index && index < this.inflight.outstanding && this.inflight.ranges[index].state === 'flying'
   * @requires 0 <= torn && torn <= this.inflight.ranges[index].end - this.inflight.ranges[index].start - this.inflight.ranges[index].doneBytes
   */
  failed(index: number, torn: number, came: boolean): void {
    const range = this.inflight.ranges[index] as WatchedRange
    const from = range.start + range.doneBytes
    if (came) this.#write(range, from, from + torn)
    else if (torn > 0) this.file.grow(from + torn)
    this.inflight.failed(range)
    this.failing = true
  }

  /**
   * Everything is down after a failure, and no call is under way: the caller is told.
   *
   * @requires this.failing && !this.marked && !this.inflight.flying
   */
  tell(): void {
    this.inflight.collapse()
    this.#trim(this.position)
    this.#told()
  }

  /**
   * Everything is down after a failure: the call that was under way is taken back, and the caller told.
   *
   * @requires this.failing && this.marked && !this.inflight.flying
   */
  takeBack(): void {
    this.inflight.collapse()
    this.#restore()
    this.#told()
  }

  /**
   * A call can't go on for another reason, and is taken back.
   *
   * @requires this.marked && !this.failing && !this.told && !this.flushing && this.inflight.outstanding === 0
   */
  undo(): void {
    this.#restore()
  }

  /**
   * What failed is tried again.
   *
   * @requires this.told
   */
  retry(): void {
    this.told = false
    this.inflight.retry()
    if (this.inflight.outstanding > 0) this.file.expect(this.buffer.offset)
  }

  /**
   * A call begins that may have to be taken back.
   *
   * @requires !this.marked && !this.flushing && !this.told
   */
  mark(): void {
    this.marked = true
    this.markPosition = this.position
    this.markHeld = this.buffer.held
  }

  /** It was taken. */
  finish(): void {
    this.marked = false
  }

  /**
   * Replaces bytes that were taken, in the file, where nothing is in flight then, and in the buffer.
   *
   * @requires !this.flushing && !this.told && !this.failing && !this.marked && count > 0
   * @requires this.start <= offset && offset + count <= this.position && count <= 9_000_000_000_000_000
   * @requires offset >= this.buffer.offset || this.inflight.outstanding === 0
   * @requires this.block <= maxLength && maxLength <= 1_073_741_824
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  patch(offset: number, count: number, byte: number, maxLength: number, address: number): void {
    const inFile = Math.min(count, Math.max(0, this.buffer.offset - offset))
    if (inFile > 0) this.file.patch(offset, offset + inFile, byte, maxLength, address, this.block, this.memory)
    if (inFile < count) {
      if (offset + inFile <= this.at && this.at < offset + count) {
        this.buffer.held = byte
        this.stale = true
      }
      this.patched = true
    }
    if (offset <= this.at && this.at < offset + count) this.given = byte
  }

  /**
   * Goes on with another file.
   *
   * @requires 0 <= start && start <= 9_000_000_000_000_000 && 0 <= lengthAtOpen && lengthAtOpen <= 9_000_000_000_000_000
   * @requires 0 <= preallocate && start + preallocate <= 9_000_000_000_000_000
   * @requires this.at < lengthAtOpen || byte === 0
   */
  reset(start: number, lengthAtOpen: number, preallocate: number, byte: number): void {
    this.inflight = new InFlight(start, this.block)
    this.#begin(start, lengthAtOpen, preallocate, byte)
  }

  #sendWhole(address: number): void {
    const { start, end, dataEnd } = wholeBlocks(this.buffer.fill, this.block)
    this.#submit(start, end, dataEnd, this.buffer.held, address)
    this.buffer.keepTail()
  }

  #submit(start: number, end: number, dataEnd: number, content: number, address: number): void {
    const range = new WatchedRange(start, end, dataEnd, 'flying', content, address)
    this.inflight.add(range)
    this.file.touch(dataEnd)
    if (this.told) this.inflight.failed(range)
    else this.file.expect(end)
  }

  /** Bytes of a transfer are in the file. */
  #write(range: WatchedRange, from: number, to: number): void {
    this.file.write(from, to, range.content)
    if (from <= this.at && this.at < to) this.stale = false
  }

  #restore(): void {
    this.buffer.restore(this.markPosition, this.markHeld)
    this.marked = false
    this.#trim(this.markPosition)
  }

  #told(): void {
    this.failing = false
    this.told = true
    this.flushing = false
  }

  #trim(position: number): void {
    this.inflight.trim(position)
    if (this.at >= position) this.stale = false
  }
}
