import { type FileHandle, open } from 'node:fs/promises'
import { GATHER_BYTES, type Sink, type Subject } from './subject.ts'

/**
 * `FileHandle.write`, one await for each call. Pieces smaller than the gather buffer are copied into it first, as
 * anybody would after measuring a system call for each piece; larger pieces go out as they are.
 */
export const fsFileHandle: Subject = {
  name: 'fs-filehandle',
  summary: 'FileHandle.write, awaited; small pieces gathered in a 64 KiB buffer',
  claim: null,
  strategy: null,
  async open(path) {
    return new FileHandleSink(await open(path, 'w'))
  },
}

class FileHandleSink implements Sink {
  readonly handle: FileHandle
  readonly gathered = Buffer.allocUnsafeSlow(GATHER_BYTES)
  gatheredBytes = 0
  writtenBytes = 0

  constructor(handle: FileHandle) {
    this.handle = handle
  }

  put(piece: Buffer): Promise<void> | null {
    if (piece.length > GATHER_BYTES - this.gatheredBytes) return this.makeRoomAndPut(piece)
    this.gathered.set(piece, this.gatheredBytes)
    this.gatheredBytes += piece.length
    return null
  }

  async makeRoomAndPut(piece: Buffer): Promise<void> {
    await this.writeGathered()
    if (piece.length > GATHER_BYTES) {
      await this.writeWhole(piece)
    } else {
      this.gathered.set(piece, 0)
      this.gatheredBytes = piece.length
    }
  }

  async writeGathered(): Promise<void> {
    if (this.gatheredBytes === 0) return
    await this.writeWhole(this.gathered.subarray(0, this.gatheredBytes))
    this.gatheredBytes = 0
  }

  /** A write may be short; what is left is offered again. */
  async writeWhole(bytes: Buffer): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, done)
      done += bytesWritten
    }
    this.writtenBytes += done
  }

  async finish(): Promise<number> {
    await this.writeGathered()
    await this.handle.sync()
    await this.handle.close()
    return this.writtenBytes
  }
}
