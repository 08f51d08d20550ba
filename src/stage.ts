import { markAsUntransferable } from 'node:worker_threads'
import { binding } from './binding.ts'
import { allocate } from './memory.ts'

/**
 * Whoever stores a piece into a buffer has the processor fetch the lines that he changes, from wherever the last read of
 * them has left them. Where that is near, pieces best go straight into the buffer; where it is far, as when the host of a
 * virtual machine read them with another processor, that takes several times as long as the copying. Then pieces are put
 * together in a stage: memory so small that it stays in the caches, from which they go into the buffer past them.
 */

/** Half of it is stored to in the usual way, half past the caches: long against the clock, short against a buffer. */
const probedBytes = 32 * 1024

/**
 * Smaller buffers are not asked, since the question would be an eighth of the work. They are staged, which at worst costs
 * a tenth of the time of small pieces, and may save more than half of it.
 */
const probedBufferBytesMin = 8 * probedBytes

/**
 * How many times as long as a copy past the caches the fetching has to take. Where both sorts of memory were measured,
 * it was 1 to 3 times for near ones, and 5 to 10 times for far ones.
 */
const farFactor = 4

/**
 * What went past the caches is far from them the next time, too: so once in a while a buffer is filled as if it were
 * near, to see. One in 33, which has no factor in common with any usual number of buffers: so each has its turn.
 */
const stagedInARowMax = 32

/** 64 KiB: from 32 to 128 KiB makes no difference, and every step from one to the next costs a call of the addon. */
const stageBytesMax = 64 * 1024

/** The line of x86-64 and of most of arm64: pieces of a stage share lines with nothing else. */
const lineBytes = 64

/** A stage is given back with each full buffer and taken again with the next one: few are free at a time. */
const sparesMax = 4

const spares: Buffer[] = []

/** Whether lines of this buffer are fetched from far away. What is in its first `probedBytes` is lost. */
export function linesAreFar(buffer: Buffer): boolean {
  if (buffer.length < probedBufferBytesMin) return true
  const { plainNs, streamedNs } = binding().storeCosts(buffer, probedBytes)
  return plainNs > farFactor * streamedNs
}

/** For which buffers of one writer small pieces are put together in a stage. */
export class StageChoice {
  /** Whether the last buffer was filled, mostly by small pieces, and not flushed. */
  hadPieces = false
  /** Buffers that were staged since one last was not. */
  #stagedBuffers = 0

  constructor(
    private readonly bufferSize: number,
    /** Whether lines of a buffer, whose beginning is lost by the question, are far away. */
    private readonly isFar: (buffer: Buffer) => boolean,
  ) {}

  /** A stage for a buffer, or null. Whoever flushes all the time, or writes large pieces, is not worth the question. */
  stageFor(buffer: Buffer): Buffer | null {
    const isFar = this.hadPieces && this.#stagedBuffers < stagedInARowMax && this.isFar(buffer)
    const stage = isFar ? takeStage(stageBytesFor(this.bufferSize)) : null
    this.#stagedBuffers = stage === null ? 0 : this.#stagedBuffers + 1
    return stage
  }
}

/** How large the stage of a buffer is: small beside it, so that memory stays within its bounds. */
export function stageBytesFor(bufferSize: number): number {
  return Math.min(stageBytesMax, Math.floor(bufferSize / 4))
}

/** A stage of `byteLength` bytes, with any content; null when there is no memory: it only saves time. */
export function takeStage(byteLength: number): Buffer | null {
  const spare = byteLength === stageBytesMax ? spares.pop() : undefined
  return spare ?? makeStage(byteLength)
}

/** Gives back what `takeStage` gave. */
export function giveStage(stage: Buffer): void {
  if (stage.byteLength === stageBytesMax && spares.length < sparesMax) spares.push(stage)
}

function makeStage(byteLength: number): Buffer | null {
  try {
    const stage = allocate(byteLength, lineBytes)
    // A slot of reserve() is a view of it: postMessage must not carry it off.
    markAsUntransferable(stage.buffer)
    return stage
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
