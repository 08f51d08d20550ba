/** Ways to put records of 2, 1, 150 and 4 bytes into a writer's buffer, and one without any writer. */
import type { openWriter } from 'uncached-io'
import { copyPiece } from '../workloads/copy-piece.ts'
import { fillSlot, makeRecordParts } from '../workloads/record-parts.ts'
import { cutIntoPieces, makeRecords, RECORD_BYTES, RECORD_PIECE_BYTES } from '../workloads/small-records.ts'

type Writer = Awaited<ReturnType<typeof openWriter>>

/** Copies a batch of records at a time: what `copyBatch` does is timed, what `makeRoom` does is not. */
export interface CopyCase {
  readonly name: string
  copyBatch(): void
  /** Empties the buffer, so that the next batch meets no disk either. */
  makeRoom(): Promise<void>
}

const allPieces = cutIntoPieces(makeRecords())
const PIECES_PER_RECORD = RECORD_PIECE_BYTES.length
/** The same pieces, the four of a record together. */
const allRecords = Array.from({ length: allPieces.length / PIECES_PER_RECORD }, (_, i) =>
  allPieces.slice(i * PIECES_PER_RECORD, (i + 1) * PIECES_PER_RECORD),
)

function full(): never {
  throw new Error('the buffer was full before the batch was over: the time would not be of copying alone')
}

/** Plain fields and local variables throughout: what a module holds is slower to come by, and would be measured. */
abstract class WriterCase implements CopyCase {
  abstract readonly name: string
  readonly writer: Writer
  readonly records: number
  readonly ring = allRecords
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
  readonly pieces = allPieces

  copyBatch(): void {
    const { writer, pieces } = this
    let index = this.nextIndex
    for (let left = this.records * PIECES_PER_RECORD; left > 0; left--) {
      if (!writer.writeSync(pieces[index]!)) full()
      index = index + 1 === pieces.length ? 0 : index + 1
    }
    this.nextIndex = index
  }
}

export class WritevSyncCase extends WriterCase {
  readonly name = 'writevSync, 1 call a record'

  copyBatch(): void {
    const { writer, ring } = this
    let index = this.nextIndex
    for (let left = this.records; left > 0; left--) {
      if (!writer.writevSync(ring[index]!)) full()
      index = index + 1 === ring.length ? 0 : index + 1
    }
    this.nextIndex = index
  }
}

/** The caller, who knows what a record looks like, puts it together in the writer's own buffer. */
export class ReserveCase extends WriterCase {
  readonly name = 'reserve, fill, commit'
  readonly recordParts = makeRecordParts()

  copyBatch(): void {
    const { writer, recordParts } = this
    let index = this.nextIndex
    for (let left = this.records; left > 0; left--) {
      const slot = writer.reserve(RECORD_BYTES) ?? full()
      fillSlot(slot, recordParts[index]!)
      writer.commit(RECORD_BYTES)
      index = index + 1 === recordParts.length ? 0 : index + 1
    }
    this.nextIndex = index
  }
}

/** What copying costs when there is nothing around it: no writer can be faster. */
export class PlainCopyCase implements CopyCase {
  readonly name = 'plain copy loop, no writer'
  readonly target: Uint8Array
  readonly records: number
  readonly pieces = allPieces
  nextIndex = 0

  constructor(target: Uint8Array, records: number) {
    this.target = target
    this.records = records
  }

  copyBatch(): void {
    const { target, pieces } = this
    let index = this.nextIndex
    let offset = 0
    for (let left = this.records * PIECES_PER_RECORD; left > 0; left--) {
      offset = copyPiece(pieces[index]!, target, offset)
      index = index + 1 === pieces.length ? 0 : index + 1
    }
    this.nextIndex = index
  }

  async makeRoom(): Promise<void> {}
}
