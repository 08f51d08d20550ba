import { fstatSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { binding } from '../binding.ts'
import { codeOf } from '../errors.ts'

const readDescriptor = promisify(read)

const standardInputDescriptor = 0

/** 1 MiB: the most that a pipe may hold without privileges, and a large read of a file. */
const readBytes = 1024 * 1024

/**
 * Standard input, in chunks whose memory is used again.
 *
 * @throws the kernel's error
 */
export async function* standardInput(): AsyncGenerator<Uint8Array, void> {
  enlargePipe()
  const memory = Buffer.allocUnsafeSlow(readBytes)
  try {
    for (;;) {
      // Not process.stdin, which takes four times as much CPU.
      const { bytesRead } = await readDescriptor(standardInputDescriptor, memory, 0, readBytes, null)
      if (bytesRead === 0) return
      yield memory.subarray(0, bytesRead)
    }
  } catch (error) {
    // Somebody who shares it has made it non-blocking: that is for the event loop.
    if (codeOf(error) !== 'EAGAIN') throw error
    for await (const chunk of process.stdin) yield chunk as Buffer
  }
}

/** Of a pipe that holds 64 KiB little is read at a time. Where it may not be larger it stays as it is. */
function enlargePipe(): void {
  if (!fstatSync(standardInputDescriptor).isFIFO()) return
  try {
    binding().setPipeSize(standardInputDescriptor, readBytes)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}
