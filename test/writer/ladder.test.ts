import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, openSmall } from './tools.ts'

const folder = temporaryFolder()

describe.each(everyStrategy)('the ladder under %s', (strategy) => {
  it.each([1, 2, 3])('is accepted >= written >= synced at all times, run %i', async (seed) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth: 1 + seed })
    const next = randomNumbers(seed)
    let steps = 0
    let last = [0, 0]
    const look = (): void => {
      steps++
      const { acceptedBytes, writtenBytes, syncedBytes } = writer
      expect(acceptedBytes).toBeGreaterThanOrEqual(writtenBytes)
      expect(writtenBytes).toBeGreaterThanOrEqual(syncedBytes)
      // Without failures nothing goes back.
      expect(writtenBytes).toBeGreaterThanOrEqual(last[0] as number)
      expect(syncedBytes).toBeGreaterThanOrEqual(last[1] as number)
      last = [writtenBytes, syncedBytes]
    }
    const watch = setInterval(look, 0)
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 60; i++) {
      const what = next(5)
      if (what === 0) calls.push(writer.flush())
      else if (what === 1) calls.push(writer.sync())
      else if (what === 2) await writer.write(someBytes(next(20_000), i))
      else calls.push(writer.write(someBytes(next(3000), i)))
      look()
    }
    await Promise.all(calls)
    await writer.end()
    clearInterval(watch)
    look()
    expect(steps).toBeGreaterThan(60)
    expect(new Set([writer.acceptedBytes, writer.writtenBytes, writer.syncedBytes]).size).toBe(1)
    expect(statSync(path).size).toBe(writer.acceptedBytes)
  })

  it('climbs step by step', async () => {
    const writer = await openSmall(freshPath(folder), strategy)
    const ladder = () => [writer.acceptedBytes, writer.writtenBytes, writer.syncedBytes]
    await writer.write(someBytes(100))
    expect(ladder()).toEqual([100, 0, 0])
    await writer.flush()
    expect(ladder()).toEqual([100, 100, 0])
    await writer.write(someBytes(1))
    expect(ladder()).toEqual([101, 100, 0])
    await writer.sync()
    expect(ladder()).toEqual([101, 101, 101])
    await writer.write(someBytes(9))
    await writer.end()
    expect(ladder()).toEqual([110, 110, 110])
  })

  it('counts from where writing starts', async () => {
    const writer = await openSmall(freshPath(folder), strategy, { start: 5001 })
    await writer.write(someBytes(100))
    await writer.flush()
    expect([writer.position, writer.acceptedBytes, writer.writtenBytes, writer.syncedBytes]).toEqual([
      5101, 100, 100, 0,
    ])
    expect(await writer.end()).toBe(100)
  })
})
