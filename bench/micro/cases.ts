/** Ways to put records of 2, 1, 150 and 4 bytes into a writer's buffer, and one without any writer. */
import type { openWriter } from 'uncached-io'
import { cutIntoPieces, makeRecords, RECORD_BYTES, RECORD_PIECE_BYTES } from '../workloads/small-records.ts'

type Writer = Awaited<ReturnType<typeof openWriter>>

/** Copies a batch of records at a time: what `copyBatch` does is timed, what `makeRoom` does is not. */
export interface CopyCase {
  readonly name: string
  copyBatch(): void
  /** Empties the buffer, so that the next batch meets no disk either. */
  makeRoom(): Promise<void>
}

const pieces = cutIntoPieces(makeRecords())
const piecesPerRecord = RECORD_PIECE_BYTES.length
/** The same pieces, the four of a record together. */
const pieceLists = Array.from({ length: pieces.length / piecesPerRecord }, (_, i) =>
  pieces.slice(i * piecesPerRecord, (i + 1) * piecesPerRecord),
)

function full(): never {
  throw new Error('the buffer was full before the batch was over: the time would not be of copying alone')
}

abstract class WriterCase implements CopyCase {
  abstract readonly name: string
  readonly writer: Writer
  readonly records: number
  nextIndex = 0

  constructor(writer: Writer, records: number) {
    this.writer = writer
    this.records = records
  }

  abstract copyBatch(): void

  async makeRoom(): Promise<void> {
    await this.writer.flush()
  }
}

export class WriteSyncCase extends WriterCase {
  readonly name = 'writeSync, 4 calls a record'

  copyBatch(): void {
    const writer = this.writer
    for (let left = this.records * piecesPerRecord; left > 0; left--) {
      if (!writer.writeSync(pieces[this.nextIndex]!)) full()
      this.nextIndex = this.nextIndex + 1 === pieces.length ? 0 : this.nextIndex + 1
    }
  }
}

export class WritevSyncCase extends WriterCase {
  readonly name = 'writevSync, 1 call a record'

  copyBatch(): void {
    const writer = this.writer
    for (let left = this.records; left > 0; left--) {
      if (!writer.writevSync(pieceLists[this.nextIndex]!)) full()
      this.nextIndex = this.nextIndex + 1 === pieceLists.length ? 0 : this.nextIndex + 1
    }
  }
}

/** The caller puts the record together in the writer's own buffer. */
export class ReserveCase extends WriterCase {
  readonly name = 'reserve, fill, commit'

  copyBatch(): void {
    const writer = this.writer
    for (let left = this.records; left > 0; left--) {
      const slot = writer.reserve(RECORD_BYTES) ?? full()
      let offset = 0
      for (const piece of pieceLists[this.nextIndex]!) {
        offset = copyPiece(piece, slot, offset)
      }
      writer.commit(offset)
      this.nextIndex = this.nextIndex + 1 === pieceLists.length ? 0 : this.nextIndex + 1
    }
  }
}

/** What copying costs when there is nothing around it: no writer can be faster. */
export class PlainCopyCase implements CopyCase {
  readonly name = 'plain copy loop, no writer'
  readonly target: Uint8Array
  readonly records: number
  nextIndex = 0

  constructor(target: Uint8Array, records: number) {
    this.target = target
    this.records = records
  }

  copyBatch(): void {
    const target = this.target
    let offset = 0
    for (let left = this.records * piecesPerRecord; left > 0; left--) {
      offset = copyPiece(pieces[this.nextIndex]!, target, offset)
      this.nextIndex = this.nextIndex + 1 === pieces.length ? 0 : this.nextIndex + 1
    }
  }

  async makeRoom(): Promise<void> {}
}

/** Below this many bytes a loop is faster than the call of `set`. */
const LOOP_BYTES_MAX = 24

/** @returns the offset behind the copy. */
function copyPiece(piece: Uint8Array, target: Uint8Array, offset: number): number {
  const length = piece.length
  if (length > LOOP_BYTES_MAX) {
    target.set(piece, offset)
  } else {
    for (let i = 0; i < length; i++) target[offset + i] = piece[i]!
  }
  return offset + length
}
