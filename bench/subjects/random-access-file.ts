import RandomAccessFile from 'random-access-file'
import { GatheringSink } from './gathering.ts'
import { requireNoPoint, type Subject } from './subject.ts'
import { syncFile } from './sync-file.ts'

/** random-access-file 4: writes at offsets, one after the other; it has no fsync, which is done for it. */
export const randomAccessFile: Subject = {
  name: 'random-access-file',
  summary: 'random-access-file, awaited; small pieces gathered in a 64 KiB buffer',
  claim: null,
  strategy: null,
  async open(path, point) {
    requireNoPoint('random-access-file', point)
    const file = new RandomAccessFile(path, { truncate: true })
    await called((done) => file.open(done))
    return new RandomAccessSink(file, path)
  },
}

class RandomAccessSink extends GatheringSink {
  writtenBytes = 0

  constructor(
    readonly file: RandomAccessFile,
    readonly path: string,
  ) {
    super()
  }

  protected override async writeWhole(bytes: Buffer): Promise<void> {
    await called((done) => this.file.write(this.writtenBytes, bytes, done))
    this.writtenBytes += bytes.length
  }

  protected override async syncAndClose(): Promise<number> {
    await syncFile(this.path)
    await called((done) => this.file.close(done))
    return this.writtenBytes
  }
}

async function called(call: (done: (error: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    call((error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
}
