import { closeSync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { binding } from '../binding.ts'
import { codeOf } from '../errors.ts'

const readDescriptor = promisify(read)

const standardInputDescriptor = 0

/** The most that a pipe may hold without privileges. */
const pipeBytes = 1024 * 1024

/**
 * 512 KiB: stays in the processor's cache until the writer has copied it. Read straight into the writer's buffers, which the
 * disk has just fetched from there, it is up to three times as slow.
 */
const chunkBytes = 512 * 1024

/** How long is waited for input at a time: the process can't end before. */
const waitMs = 100

/**
 * Standard input, in chunks whose memory is used again, until interrupted; then what was taken of it by then. When none came
 * for a while it gives an empty one: a writer that has failed meanwhile says so then.
 *
 * @throws the kernel's error
 */
export async function* standardInput(interrupted: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const memory = Buffer.allocUnsafeSlow(chunkBytes)
  const input = new StandardInput()
  try {
    while (!interrupted.aborted || input.heldBytes > 0) {
      const bytesRead = await input.read(memory)
      if (bytesRead === 0) return
      yield memory.subarray(0, bytesRead ?? 0)
    }
  } finally {
    input.close()
  }
}

/** A pipe, a file, a socket or a terminal. */
class StandardInput {
  readonly #inner: InnerPipe | undefined
  /** A read of it does not wait for anybody. */
  readonly #isFile: boolean

  constructor() {
    const status = fstatSync(standardInputDescriptor)
    this.#isFile = status.isFile()
    if (status.isFIFO()) this.#inner = new InnerPipe()
  }

  /** Taken from a pipe, and not read yet. */
  get heldBytes(): number {
    return this.#inner?.heldBytes ?? 0
  }

  /** Reads as many bytes as have come and fit. Gives their number, 0 at the end, null when none came for a while. */
  async read(memory: Uint8Array): Promise<number | null> {
    if (this.#inner === undefined) return await this.#readItself(memory)
    const bytesRead = this.#inner.read(memory)
    // Most of the time something is there already.
    if (bytesRead === null) await somethingComes()
    return bytesRead
  }

  async #readItself(memory: Uint8Array): Promise<number | null> {
    if (!this.#isFile && !(await somethingComes())) return null
    try {
      // Not process.stdin, which takes four times as much CPU.
      const { bytesRead } = await readDescriptor(standardInputDescriptor, memory, 0, memory.byteLength, null)
      return bytesRead
    } catch (error) {
      // Somebody who shares it was faster.
      if (codeOf(error) === 'EAGAIN') return null
      throw error
    }
  }

  close(): void {
    this.#inner?.close()
  }
}

/** Whether a read would not wait, after a while at the latest. */
async function somethingComes(): Promise<boolean> {
  return await binding().waitReadable(standardInputDescriptor, waitMs)
}

/**
 * A pipe of our own, into which the pages of the standard input are moved before they are read: a reader copies under the
 * lock of its pipe, and whoever writes into that pipe would have to wait.
 */
class InnerPipe {
  readonly #native = binding()
  readonly #pipe = this.#native.makePipe()
  /** Moved, and not read yet. */
  heldBytes = 0

  constructor() {
    enlarge(standardInputDescriptor)
    enlarge(this.#pipe.writeEnd)
  }

  /** Gives the number of bytes, 0 at the end, null when there are none at the moment. */
  read(memory: Uint8Array): number | null {
    if (this.heldBytes === 0) {
      const moved = this.#native.splicePipe(standardInputDescriptor, this.#pipe.writeEnd, pipeBytes)
      if (moved <= 0) return moved === 0 ? 0 : null
      this.heldBytes = moved
    }
    const bytesRead = readSync(this.#pipe.readEnd, memory)
    this.heldBytes -= bytesRead
    return bytesRead
  }

  close(): void {
    closeSync(this.#pipe.readEnd)
    closeSync(this.#pipe.writeEnd)
  }
}

/** Of a pipe that holds 64 KiB little is read at a time. Where it may not be larger it stays as it is. */
function enlarge(descriptor: number): void {
  try {
    binding().setPipeSize(descriptor, pipeBytes)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}
