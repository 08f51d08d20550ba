import { describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectFile, openSmall } from './tools.ts'

const folder = temporaryFolder()

describe('many writers at once', () => {
  it('do not disturb each other', async () => {
    const before = sharedPool.usedBytes
    const paths = Array.from({ length: 40 }, () => freshPath(folder))
    await Promise.all(
      paths.map(async (path, index) => {
        const writer = await openSmall(path, everyStrategy[index % 4])
        for (let i = 0; i < 10; i++) {
          await writer.write(someBytes(9001, index * 100 + i))
          if (i % 3 === 0) await writer.flush()
        }
        await writer.end()
      }),
    )
    for (const [index, path] of paths.entries()) {
      expectFile(path, Buffer.concat(Array.from({ length: 10 }, (_, i) => someBytes(9001, index * 100 + i))))
    }
    expect(sharedPool.usedBytes).toBe(before)
  })

  it('wait for each other when the cap on all buffers is reached, and then go on', async () => {
    const bufferSize = 32 * 1024 * 1024
    const writers = await Promise.all(
      [1, 2, 3].map(() => openSmall(freshPath(folder), 'direct', { bufferSize, queueDepth: 4 })),
    )
    const [first, second, third] = writers as [(typeof writers)[0], (typeof writers)[0], (typeof writers)[0]]
    // What is refused is remembered, buffers and all: these two take what there is.
    const tooMuch = new Uint8Array(4 * bufferSize + 1)
    expect(first.writeSync(tooMuch)).toBe(false)
    expect(second.writeSync(tooMuch)).toBe(false)
    const chunk = tooMuch.subarray(0, 3 * bufferSize)
    if (!third.writeSync(chunk)) {
      const drained = third.drain()
      drained.catch(() => undefined)
      await Promise.all([first.end(), second.end()])
      await drained
      expect(third.writeSync(chunk)).toBe(true)
    }
    third.fail()
    await third[Symbol.asyncDispose]()
  })
})
