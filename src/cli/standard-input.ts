import { closeSync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { binding } from '../binding.ts'
import { codeOf } from '../errors.ts'

const readDescriptor = promisify(read)

const standardInputDescriptor = 0

/** 1 MiB: the most that a pipe may hold without privileges, and a large read of a file. */
export const readBytesMax = 1024 * 1024

/** How long is waited for input at a time: a process can't end before. */
const waitMs = 100

/** Standard input: a pipe, a file, a socket or a terminal. */
export class StandardInput {
  readonly #inner: InnerPipe | undefined
  /** A read of a file does not wait for anybody. */
  readonly #waits: boolean

  constructor() {
    const status = fstatSync(standardInputDescriptor)
    this.#waits = !status.isFile() && !status.isDirectory()
    if (status.isFIFO()) this.#inner = new InnerPipe()
  }

  /**
   * Reads as many bytes as have come and fit. Gives their number, 0 at the end, and null when none came for a while.
   *
   * @throws the kernel's error
   */
  async read(memory: Uint8Array): Promise<number | null> {
    // Most of the time something is there already.
    const moved = this.#inner?.read(memory) ?? null
    if (moved !== null) return moved
    if (this.#waits && !(await binding().waitReadable(standardInputDescriptor, waitMs))) return null
    if (this.#inner !== undefined) return this.#inner.read(memory)
    // Not process.stdin, which takes four times as much CPU.
    const { bytesRead } = await readDescriptor(standardInputDescriptor, memory, 0, memory.byteLength, null)
    return bytesRead
  }

  close(): void {
    this.#inner?.close()
  }
}

/**
 * A pipe of our own, into which the pages of the standard input are moved before they are read: a reader copies under the
 * lock of its pipe, and whoever writes into that pipe would have to wait.
 */
class InnerPipe {
  readonly #native = binding()
  readonly #pipe = this.#native.makePipe()

  constructor() {
    enlarge(standardInputDescriptor)
    enlarge(this.#pipe.writeEnd)
  }

  /** Gives null when there is nothing at the moment. */
  read(memory: Uint8Array): number | null {
    const moved = this.#native.splicePipe(standardInputDescriptor, this.#pipe.writeEnd, memory.byteLength)
    if (moved === -1) return null
    for (let from = 0; from < moved; ) from += readSync(this.#pipe.readEnd, memory, from, moved - from, null)
    return moved
  }

  close(): void {
    closeSync(this.#pipe.readEnd)
    closeSync(this.#pipe.writeEnd)
  }
}

/** Of a pipe that holds 64 KiB little is read at a time. Where it may not be larger it stays as it is. */
function enlarge(descriptor: number): void {
  try {
    binding().setPipeSize(descriptor, readBytesMax)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}
