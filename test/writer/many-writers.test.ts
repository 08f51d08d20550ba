import { describe, expect, it } from 'vitest'
import { setMemoryCap } from '../../src/budget.ts'
import { memoryUse, sharedPool } from '../../src/buffer-pool.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectFile, idle, openSmall, smallBuffer } from './tools.ts'

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
    const { capBytes } = memoryUse()
    const paths = [1, 2, 3].map(() => freshPath(folder))
    const writers = await Promise.all(paths.map((path) => openSmall(path, 'direct', { queueDepth: 4 })))
    const [first, second, third] = writers as [(typeof writers)[0], (typeof writers)[0], (typeof writers)[0]]
    expect([first.writeSync('first'), second.writeSync('second')]).toEqual([true, true])
    const { heldBytes } = memoryUse()
    // Room for two buffers more, which everybody gets, and none for a third.
    setMemoryCap(2 * heldBytes)
    try {
      const chunk = someBytes(3 * smallBuffer)
      expect(third.writeSync(chunk)).toBe(false)
      const drained = third.drain()
      await idle()
      expect(memoryUse().heldBytes).toBe(heldBytes)
      await Promise.all([first.end(), second.end()])
      await drained
      expect(third.writeSync(chunk)).toBe(true)
      await third.end()
      for (const [i, content] of ['first', 'second', chunk].entries()) {
        expectFile(paths[i] as string, Buffer.from(content))
      }
      expect(memoryUse().heldBytes).toBe(0)
    } finally {
      setMemoryCap(capBytes)
    }
  })
})
