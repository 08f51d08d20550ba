import { exactLength, patchPiece } from '../src/plan.ts'
import { transfer } from './watched-range.ts'

/**
 * A file, and one byte of it that is looked at.
 *
 * @invariant 0 <= this.at && 0 <= this.lengthAtOpen && 0 <= this.preallocatedEnd
 * @invariant 0 <= this.touchedTo && this.touchedTo <= 9_000_100_000_000_000
 * @invariant this.lengthAtOpen <= 9_000_000_000_000_000 && this.preallocatedEnd <= 9_000_000_000_000_000
 * @invariant this.lengthAtOpen <= this.length && this.preallocatedEnd <= this.length && this.length <= this.reach
 * @invariant this.at < this.length || this.stored === 0
 *
 * Where nothing of the caller's was sent to, the byte is what was there when the file was opened, or zero:
 *
 * @invariant this.at < this.lengthAtOpen || this.original === 0
 * @invariant this.at < this.touchedTo || this.stored === this.original
 */
export class WatchedFile {
  lengthAtOpen = 0
  preallocatedEnd = 0
  /** How long it is, and how long it is at most, as far as the writer knows. */
  length = 0
  reach = 0
  /** The watched byte now, and when the file was opened. */
  stored = 0
  original = 0
  /** The end of all that was ever sent off as the caller's. */
  touchedTo = 0

  /** @requires 0 <= at */
  constructor(readonly at: number) {}

  /**
   * @requires 0 <= lengthAtOpen && lengthAtOpen <= 9_000_000_000_000_000
   * @requires 0 <= preallocatedEnd && preallocatedEnd <= 9_000_000_000_000_000
   * @requires 0 <= start && start <= 9_000_000_000_000_000 && (this.at < lengthAtOpen || byte === 0)
   */
  open(lengthAtOpen: number, preallocatedEnd: number, start: number, byte: number): void {
    this.lengthAtOpen = lengthAtOpen
    this.preallocatedEnd = preallocatedEnd
    this.length = Math.max(lengthAtOpen, preallocatedEnd)
    this.reach = this.length
    this.stored = byte
    this.original = byte
    this.touchedTo = start
  }

  /** A transfer up to `end` may make it as long. */
  expect(end: number): void {
    this.reach = Math.max(this.reach, end)
  }

  /**
   * Bytes up to `end` are sent off as the caller's.
   *
   * @requires end <= 9_000_100_000_000_000
   */
  touch(end: number): void {
    this.touchedTo = Math.max(this.touchedTo, end)
  }

  /** @requires to <= this.reach */
  grow(to: number): void {
    this.length = Math.max(this.length, to)
  }

  /**
   * Bytes are in it: the watched one, if it is among them, is `byte`.
   *
   * @requires 0 <= from && to <= this.reach
   * @requires this.at < from || this.at >= to || this.at < this.touchedTo || byte === this.original
   */
  write(from: number, to: number, byte: number): void {
    if (from < to) this.length = Math.max(this.length, to)
    if (from <= this.at && this.at < to) this.stored = byte
  }

  /**
   * Makes the length exact.
   *
   * @requires writtenEnd <= this.length
   * @ensures this.length === Math.max(this.lengthAtOpen, writtenEnd, done ? 0 : old(this.preallocatedEnd))
   * @ensures this.at >= this.length || this.stored === old(this.stored)
   */
  cut(writtenEnd: number, done: boolean): void {
    const exact = exactLength(this.lengthAtOpen, writtenEnd, done ? 0 : this.preallocatedEnd)
    if (this.reach > exact) {
      this.length = exact
      this.reach = exact
      if (this.at >= exact) this.stored = 0
    }
    if (done) this.preallocatedEnd = 0
  }

  /**
   * Replaces bytes by whole blocks, of which the rest is written as it was read.
   *
   * @requires 0 <= offset && offset <= end && end <= this.length && end <= 9_000_100_000_000_000
   * @requires end <= this.touchedTo
   * @requires block <= maxLength && maxLength <= 1_073_741_824
   * @requires 0 <= address && address % memory === 0
   * @ensures this.length >= old(this.length) && this.reach >= old(this.reach)
   * @ensures this.stored === (offset <= this.at && this.at < end ? byte : old(this.stored))
   */
  patch(
    offset: number,
    end: number,
    byte: number,
    maxLength: number,
    address: number,
    block: number,
    memory: number,
  ): void {
    /**
     * @invariant offset <= at && at <= end && this.length >= old(this.length) && this.reach >= old(this.reach)
     * @invariant this.length <= this.reach && this.stored === (offset <= this.at && this.at < at ? byte : old(this.stored))
     * @decreases end - at
     */
    for (let at = offset; at < end; ) {
      const piece = patchPiece(at, end, block, maxLength)
      const stop = piece.start + piece.length
      transfer(piece.start, piece.length, address, block, memory)
      this.expect(stop)
      this.write(piece.from, piece.to, byte)
      this.grow(stop)
      at = piece.to
    }
  }
}
