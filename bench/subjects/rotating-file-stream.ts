import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import { requireNoPoint, type Sink, type Subject } from './subject.ts'
import { syncFile } from './sync-file.ts'

/**
 * rotating-file-stream 3 that never rotates: what is left is a stream in front of a stream. It has no option for the size of
 * its buffer and none for an fsync, which is done for it.
 */
export const rotatingFileStream: Subject = {
  name: 'rotating-file-stream',
  summary: 'rotating-file-stream without rotation; one write() for each piece',
  claim: null,
  strategy: null,
  async open(path, point) {
    requireNoPoint('rotating-file-stream', point)
    // It appends to what is there.
    await writeFile(path, '')
    const stream = createStream(basename(path), { path: dirname(path) })
    await once(stream, 'open')
    return new RotatingSink(stream, path)
  },
}

class RotatingSink implements Sink {
  writtenBytes = 0

  constructor(
    readonly stream: RotatingFileStream,
    readonly path: string,
  ) {}

  put(piece: Buffer): Promise<void> | null {
    this.writtenBytes += piece.length
    return this.stream.write(piece) ? null : this.drained()
  }

  async drained(): Promise<void> {
    await once(this.stream, 'drain')
  }

  /** The stream does not say how much it has written: what was handed over, and the length of the file is checked. */
  async finish(): Promise<number> {
    const finished = once(this.stream, 'finish')
    this.stream.end()
    await finished
    await syncFile(this.path)
    return this.writtenBytes
  }
}
