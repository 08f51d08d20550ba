import { type FileHandle, open } from 'node:fs/promises'
import { GatheringSink } from './gathering.ts'
import { requireNoPoint, type Subject } from './subject.ts'

/** `FileHandle.write`, one await for each call. */
export const fsFileHandle: Subject = {
  name: 'fs-filehandle',
  summary: 'FileHandle.write, awaited; small pieces gathered in a 64 KiB buffer',
  claim: null,
  strategy: null,
  async open(path, point) {
    // The size of its blocks is that of the pieces, and each is awaited.
    if ((point?.queueDepth ?? 1) > 1) requireNoPoint('fs-filehandle', point)
    return new FileHandleSink(await open(path, 'w'))
  },
}

class FileHandleSink extends GatheringSink {
  writtenBytes = 0

  constructor(readonly handle: FileHandle) {
    super()
  }

  /** A write may be short; what is left is offered again. */
  protected override async writeWhole(bytes: Buffer): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, done)
      done += bytesWritten
    }
    this.writtenBytes += done
  }

  protected override async syncAndClose(): Promise<number> {
    await this.handle.sync()
    await this.handle.close()
    return this.writtenBytes
  }
}
