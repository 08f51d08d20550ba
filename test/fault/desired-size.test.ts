import { describe, expect, it } from 'vitest'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, openOver } from './disk.ts'

const folder = temporaryFolder()

describe('desiredSize', () => {
  it.each(['direct', 'buffered'] as const)('is what writeSync takes at once, at any position: %s', async (strategy) => {
    const next = randomNumbers(3)
    for (let i = 0; i < 20; i++) {
      const queueDepth = 1 + next(4)
      const { writer } = await openOver(folder, {}, { queueDepth, strategy, bufferSize: 5 * block })
      await writer.write(someBytes(1 + next(3 * block)))
      if (next(2) === 0) await writer.flush()
      const room = writer.desiredSize as number
      expect(room).toBeGreaterThan(0)
      expect({ position: writer.position, room, taken: writer.writeSync(someBytes(room)) }).toMatchObject({
        taken: true,
      })
      await writer.end()
    }
  })
})
