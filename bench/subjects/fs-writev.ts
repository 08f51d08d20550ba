import { type FileHandle, open } from 'node:fs/promises'
import { GATHER_BYTES, requireNoPoint, type Sink, type Subject } from './subject.ts'

/** IOV_MAX of Linux: the kernel takes no more at once. */
const PIECES_MAX = 1024

/** `FileHandle.writev`: small pieces are not copied together but handed over side by side. */
export const fsWritev: Subject = {
  name: 'fs-writev',
  summary: 'FileHandle.writev, awaited; up to 64 KiB or 1,024 pieces at once',
  claim: null,
  strategy: null,
  async open(path, point) {
    requireNoPoint('fs-writev', point)
    return new WritevSink(await open(path, 'w'))
  },
}

class WritevSink implements Sink {
  pieces: Buffer[] = []
  waitingBytes = 0
  writtenBytes = 0

  constructor(readonly handle: FileHandle) {}

  put(piece: Buffer): Promise<void> | null {
    this.pieces.push(piece)
    this.waitingBytes += piece.length
    return this.waitingBytes >= GATHER_BYTES || this.pieces.length === PIECES_MAX ? this.writeAll() : null
  }

  async finish(): Promise<number> {
    await this.writeAll()
    await this.handle.sync()
    await this.handle.close()
    return this.writtenBytes
  }

  async writeAll(): Promise<void> {
    while (this.waitingBytes > 0) {
      const { bytesWritten } = await this.handle.writev(this.pieces)
      this.forget(bytesWritten)
    }
    this.pieces = []
  }

  /** A write may be short; what is left is offered again. */
  private forget(bytes: number): void {
    this.writtenBytes += bytes
    this.waitingBytes -= bytes
    if (this.waitingBytes === 0) return
    let done = bytes
    let whole = 0
    while (done >= this.pieces[whole]!.length) done -= this.pieces[whole++]!.length
    this.pieces.splice(0, whole)
    this.pieces[0] = this.pieces[0]!.subarray(done)
  }
}
