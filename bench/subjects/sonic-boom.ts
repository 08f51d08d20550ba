import { once } from 'node:events'
import SonicBoomModule, { type SonicBoom } from 'sonic-boom'
import { GATHER_BYTES, requireNoPoint, type Sink, type Subject } from './subject.ts'

/**
 * sonic-boom 5 in buffer mode, asynchronous. Every piece is its own `write()`; the library gathers them. `minLength`
 * and `maxWrite` are raised from 16 KiB to the gather size of the other subjects. `end()` does its own fsync before it
 * closes (and says nothing when that fails).
 */
export const sonicBoom: Subject = {
  name: 'sonic-boom',
  summary: 'sonic-boom in buffer mode with backpressure; one write() for each piece',
  claim: null,
  strategy: null,
  async open(path, point) {
    requireNoPoint('sonic-boom', point)
    const boom = new SonicBoomModule.SonicBoom({
      dest: path,
      append: false,
      contentMode: 'buffer',
      // One byte less than maxWrite: sonic-boom refuses equal values.
      minLength: GATHER_BYTES - 1,
      maxWrite: GATHER_BYTES,
    })
    await once(boom, 'ready')
    return new SonicBoomSink(boom)
  },
}

class SonicBoomSink implements Sink {
  readonly boom: SonicBoom
  writtenBytes = 0

  constructor(boom: SonicBoom) {
    this.boom = boom
    boom.on('write', (byteLength: number) => {
      this.writtenBytes += byteLength
    })
  }

  put(piece: Buffer): Promise<void> | null {
    // @ts-expect-error In buffer mode write() takes bytes; the published types know only the text mode.
    return this.boom.write(piece) ? null : this.drained()
  }

  async drained(): Promise<void> {
    await once(this.boom, 'drain')
  }

  async finish(): Promise<number> {
    const closed = once(this.boom, 'close')
    this.boom.end()
    await closed
    return this.writtenBytes
  }
}
