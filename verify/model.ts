import { InFlight, type Range } from '../src/inflight.ts'
import {
  exactLength,
  type Fill,
  floorTo,
  grainOf,
  keepsBehind,
  padded,
  patchPiece,
  progress,
  remaining,
  sealAt,
  tailOf,
  wholeBlocks,
} from '../src/plan.ts'

/** A transfer on its way, and what its memory holds for the watched byte. */
export class WatchedRange implements Range {
  doneBytes = 0

  constructor(
    readonly start: number,
    public end: number,
    public dataEnd: number,
    public state: Range['state'],
    readonly content: number,
    readonly address: number,
  ) {}
}

/**
 * A writer as the package drives plan.ts and inflight.ts, without its memory, its waits and its kernel: only positions,
 * and one byte of the file, at `at`, which may be any. What is true of that byte whatever `at` is, is true of all.
 *
 * Each public method is a step that the writer, its caller, the engine or the kernel takes; `@requires` says when it may.
 * The proof takes any state in which the invariants hold and any step, and shows that they hold behind it.
 *
 * The file:
 *
 * @invariant this.block <= this.bufferSize && this.bufferSize % this.block === 0 && this.bufferSize <= 1_073_741_824
 * @invariant 0 <= this.start && 0 <= this.lengthAtOpen && 0 <= this.preallocatedEnd && 0 <= this.at
 * @invariant this.lengthAtOpen <= 9_000_000_000_000_000 && this.preallocatedEnd <= 9_000_000_000_000_000
 * @invariant this.lengthAtOpen <= this.length && this.preallocatedEnd <= this.length && this.length <= this.reach
 * @invariant this.inflight.written <= this.start || this.inflight.written <= this.length
 * @invariant this.inflight.ranges.every((r) => r.doneBytes === 0 || r.start + r.doneBytes <= this.length)
 * @invariant this.inflight.ranges.every((r) => r.state === 'failed' || r.end <= this.reach)
 *
 * The buffer, and where it follows upon what is in flight:
 *
 * @invariant 0 <= this.offset && this.offset % this.block === 0 && 0 <= this.filled
 * @invariant this.limit === 0 ? this.filled < this.block : this.filled < this.limit
 * @invariant this.limit >= 0 && this.limit % this.block === 0 && this.limit <= this.bufferSize
 * @invariant this.start - this.offset < this.block && this.inflight.ranges.every((r) => this.start - r.start < this.block)
 * @invariant this.start <= this.position && this.position <= 9_000_100_000_000_000
 * @invariant this.start <= this.inflight.written && this.inflight.written <= this.position
 * @invariant this.inflight.outstanding > 0 || this.offset <= this.inflight.written
 * @invariant this.inflight.ranges.every((r, i) => i < this.inflight.outstanding - 1 || (this.offset <= r.dataEnd && r.dataEnd - this.offset < this.block))
 * @invariant this.inflight.ranges.every((r) => r.dataEnd === r.end || (this.flushing && r.dataEnd === this.position))
 * @invariant this.inflight.ranges.every((r) => r.end <= this.offset || (r.dataEnd < r.end && r.dataEnd - this.offset < this.block))
 * @invariant this.offset <= this.touchedTo
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
 * @invariant !this.flushing || !this.marked
 * @invariant !this.flushing || !this.stale || this.inflight.outstanding > 0
 * @invariant !this.flushing || !this.stale || this.inflight.ranges.every((r, i) => i < this.inflight.outstanding - 1 || r.dataEnd === this.position)
 * @invariant !this.marked || (this.start <= this.markPosition && this.markPosition <= this.position)
 *
 * The watched byte: where it is the caller's it is what he gave, in the buffer, in flight and in the file.
 *
 * @invariant this.at < this.offset || this.at >= this.position || this.held === this.given
 * @invariant this.inflight.ranges.every((r) => this.at < r.start || this.at >= r.dataEnd || r.content === this.given)
 * @invariant this.inflight.ranges.every((r) => this.at < r.start || this.at >= r.dataEnd || this.at >= r.start + r.doneBytes || (this.stored === this.given && !this.stale))
 * @invariant this.at >= this.inflight.written || this.stale || this.stored === this.given
 * @invariant !this.stale || (this.patched && this.at < this.position && this.at >= this.unwritten)
 * @invariant !this.marked || this.at >= this.markPosition || this.at < this.markPosition - (this.markPosition % this.block) || this.markHeld === this.given
 *
 * And where it is not, it is what was there when the file was opened, or zero:
 *
 * @invariant this.at < this.lengthAtOpen || this.original === 0
 * @invariant this.at >= this.start || this.given === this.original
 * @invariant this.at < this.touchedTo || this.stored === this.original
 * @invariant this.inflight.ranges.every((r) => this.at < this.touchedTo || this.at < r.dataEnd || this.at >= r.end || r.content === this.original)
 * @invariant this.inflight.ranges.every((r) => r.dataEnd <= this.touchedTo)
 * @invariant this.at < this.length || this.stored === 0
 */
export class WatchedWriter {
  start = 0
  lengthAtOpen = 0
  preallocatedEnd = 0
  /** The file's length, and how long it is at most, as far as the writer knows. */
  length = 0
  reach = 0
  /** The buffer: see Filling. */
  offset = 0
  filled = 0
  limit = 0
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
  /** The watched byte: what the file has to hold, what the buffer, the file now, and the file at first. */
  given = 0
  held = 0
  stored = 0
  original = 0
  /** The buffer has another byte than the file because of `patch`. */
  stale = false
  /** The end of all that was ever sent off as the caller's. */
  touchedTo = 0
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
    readonly bufferSize: number,
    readonly at: number,
    start: number,
    lengthAtOpen: number,
    preallocate: number,
    byte: number,
  ) {
    this.inflight = new InFlight(start, block)
    this.#begin(start, lengthAtOpen, preallocate, byte)
  }

  /** The position of the next byte. */
  get position(): number {
    return this.offset + this.filled
  }

  /** Where the first byte stands that is not only in the file. */
  get unwritten(): number {
    const first = this.inflight.ranges[0]
    return first === undefined ? this.offset : first.start
  }

  #begin(start: number, lengthAtOpen: number, preallocate: number, byte: number): void {
    this.start = start
    this.lengthAtOpen = lengthAtOpen
    this.preallocatedEnd = preallocate === 0 ? 0 : start + preallocate
    this.length = Math.max(lengthAtOpen, this.preallocatedEnd)
    this.reach = this.length
    // The block in which it starts is read.
    this.offset = floorTo(start, this.block)
    this.filled = start - this.offset
    this.limit = 0
    this.failing = false
    this.told = false
    this.flushing = false
    this.flushedTo = start
    this.patched = false
    this.marked = false
    this.given = byte
    this.held = byte
    this.stored = byte
    this.original = byte
    this.stale = false
    this.touchedTo = start
  }

  /**
   * Copies bytes into the buffer, as many as fit; a full one is sent off.
   *
   * @requires !this.flushing && count > 0 && count <= 1_073_741_824 && this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  append(count: number, byte: number, address: number): void {
    this.#attach()
    const taken = Math.min(count, this.limit - this.filled)
    if (this.position <= this.at && this.at < this.position + taken) {
      this.given = byte
      this.held = byte
    }
    this.filled += taken
    if (this.filled >= this.limit) this.#sendWhole(address)
  }

  /**
   * Sends off the whole blocks of a buffer that is not full.
   *
   * @requires !this.flushing && this.filled >= this.block
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  seal(address: number): void {
    this.#sendWhole(address)
  }

  /**
   * Sends off whole blocks from the caller's own memory.
   *
   * @requires !this.flushing && this.filled === 0 && count > 0 && count % this.block === 0 && count <= 1_073_741_824
   * @requires this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  lend(count: number, byte: number, address: number): void {
    this.limit = 0
    const end = this.offset + Math.min(count, sealAt(this.offset, this.bufferSize, this.block, grainOf(this.block)))
    if (this.offset <= this.at && this.at < end) this.given = byte
    this.#submit(this.offset, end, end, byte, address)
    this.offset = end
  }

  /**
   * Gives up a buffer of which only the tail is left.
   *
   * @requires !this.flushing && this.filled < this.block
   */
  giveBack(): void {
    this.limit = 0
  }

  /**
   * Sends off all that is in the buffer, padded, unless the file has it already.
   *
   * @requires !this.flushing && !this.told && !this.marked && this.position <= 9_000_000_000_000_000
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  flush(address: number): void {
    if (this.filled > 0 && (this.position !== this.flushedTo || this.patched)) {
      this.#attach()
      const { start, end, dataEnd } = padded(this.#fill(), this.block)
      const keeps = keepsBehind(dataEnd, this.lengthAtOpen, this.block)
      const behind = keeps ? this.stored : 0
      this.#submit(start, end, dataEnd, this.at < dataEnd ? this.held : behind, address)
      this.#keepTail()
    }
    this.flushing = true
  }

  /**
   * The flush is over: everything has landed.
   *
   * @requires this.flushing && !this.failing && this.inflight.outstanding === 0
   * @ensures this.inflight.written === this.position && !this.stale
   * @ensures this.at >= this.position || this.stored === this.given
   * @ensures this.length === Math.max(this.lengthAtOpen, this.position > this.start ? this.position : 0, done ? 0 : this.preallocatedEnd)
   */
  settle(done: boolean): void {
    this.#cut(this.position > this.start ? this.position : 0, done)
    this.flushedTo = this.position
    this.patched = false
    this.flushing = false
  }

  /**
   * After an end that failed: what is behind the gap is nobody's.
   *
   * @requires this.told
   * @ensures this.length === Math.max(this.lengthAtOpen, this.inflight.written > this.start ? this.inflight.written : 0)
   */
  cutBehind(): void {
    this.#cut(this.inflight.written > this.start ? this.inflight.written : 0, true)
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
    this.#transfer(position, length, range.address + from)
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
     * @invariant this.at < old(this.unwritten) || this.at >= seenTo || (this.stored === this.given && !this.stale)
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
    else if (torn > 0 && this.length < from + torn) this.length = from + torn
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
    if (this.inflight.outstanding > 0) this.reach = Math.max(this.reach, this.offset)
  }

  /**
   * A call begins that may have to be taken back.
   *
   * @requires !this.marked && !this.flushing && !this.told
   */
  mark(): void {
    this.marked = true
    this.markPosition = this.position
    this.markHeld = this.held
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
   * @requires offset >= this.offset || this.inflight.outstanding === 0
   * @requires this.block <= maxLength && maxLength <= 1_073_741_824
   * @requires 0 <= address && address % this.memory === 0 && address <= 4_503_599_627_370_496
   */
  patch(offset: number, count: number, byte: number, maxLength: number, address: number): void {
    const inFile = Math.min(count, Math.max(0, this.offset - offset))
    if (inFile > 0) this.#patchFile(offset, offset + inFile, byte, maxLength, address)
    if (inFile < count) {
      if (offset + inFile <= this.at && this.at < offset + count) {
        this.held = byte
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

  #fill(): Fill {
    return { offset: this.offset, filled: this.filled, limit: this.limit }
  }

  #attach(): void {
    if (this.limit === 0) this.limit = sealAt(this.offset, this.bufferSize, this.block, grainOf(this.block))
  }

  #sendWhole(address: number): void {
    const { start, end, dataEnd } = wholeBlocks(this.#fill(), this.block)
    this.#submit(start, end, dataEnd, this.held, address)
    this.#keepTail()
  }

  #keepTail(): void {
    const tail = tailOf(this.#fill(), this.block)
    this.offset = tail.offset
    this.filled = tail.filled
    this.limit = tail.limit
  }

  #submit(start: number, end: number, dataEnd: number, content: number, address: number): void {
    const range = new WatchedRange(start, end, dataEnd, 'flying', content, address)
    this.inflight.add(range)
    this.touchedTo = Math.max(this.touchedTo, dataEnd)
    if (this.told) this.inflight.failed(range)
    else this.reach = Math.max(this.reach, end)
  }

  /**
   * What direct I/O asks of a system call.
   *
   * @requires _position % this.block === 0 && _length % this.block === 0 && _length > 0
   * @requires _address % this.memory === 0 && _position >= 0
   */
  #transfer(_position: number, _length: number, _address: number): void {}

  /** Bytes of a transfer are in the file. */
  #write(range: WatchedRange, from: number, to: number): void {
    if (from < to) this.length = Math.max(this.length, to)
    if (from <= this.at && this.at < to) {
      this.stored = range.content
      this.stale = false
    }
  }

  #patchFile(offset: number, end: number, byte: number, maxLength: number, address: number): void {
    /**
     * @invariant offset <= at && at <= end && this.length === old(this.length) && this.reach >= old(this.reach)
     * @invariant this.stored === (offset <= this.at && this.at < at ? byte : old(this.stored))
     * @decreases end - at
     */
    for (let at = offset; at < end; ) {
      const piece = patchPiece(at, end, this.block, maxLength)
      const stop = piece.start + piece.length
      this.#transfer(piece.start, piece.length, address)
      this.reach = Math.max(this.reach, stop)
      this.length = Math.max(this.length, stop)
      // The rest of its blocks is what was read.
      if (piece.from <= this.at && this.at < piece.to) this.stored = byte
      at = piece.to
    }
  }

  #cut(writtenEnd: number, done: boolean): void {
    const exact = exactLength(this.lengthAtOpen, writtenEnd, done ? 0 : this.preallocatedEnd)
    if (this.reach > exact) {
      this.length = exact
      this.reach = exact
      if (this.at >= exact) this.stored = 0
    }
    if (done) this.preallocatedEnd = 0
  }

  #restore(): void {
    const boundary = floorTo(this.markPosition, this.block)
    if (this.limit > 0 && this.offset <= boundary) {
      this.filled = this.markPosition - this.offset
    } else {
      this.offset = boundary
      this.filled = this.markPosition - boundary
      this.limit = 0
      this.held = this.markHeld
    }
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
