import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { GATHER_BYTES, requireNoPoint, type Sink, type Subject } from './subject.ts'

/**
 * `fs.createWriteStream`. Every piece is its own `write()`, since the stream has a buffer of its own: what arrives
 * while a write is under way goes out together in one writev. When `write()` answers false, `drain` is awaited.
 */
export const fsWriteStream: Subject = {
  name: 'fs-write-stream',
  summary: 'fs.createWriteStream with backpressure; one write() for each piece',
  claim: null,
  strategy: null,
  async open(path, point) {
    requireNoPoint('fs-write-stream', point)
    // `flush` is the stream's own way to fsync before it closes.
    const stream = createWriteStream(path, { flush: true, highWaterMark: GATHER_BYTES })
    await once(stream, 'open')
    return new WriteStreamSink(stream)
  },
}

class WriteStreamSink implements Sink {
  readonly stream: WriteStream

  constructor(stream: WriteStream) {
    this.stream = stream
  }

  put(piece: Buffer): Promise<void> | null {
    return this.stream.write(piece) ? null : this.drained()
  }

  async drained(): Promise<void> {
    await once(this.stream, 'drain')
  }

  async finish(): Promise<number> {
    this.stream.end()
    await once(this.stream, 'close')
    return this.stream.bytesWritten
  }
}
