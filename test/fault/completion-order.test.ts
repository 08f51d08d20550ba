import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, failing, HeldWrites, isPending, openOver, rejection, soon } from './disk.ts'

const folder = temporaryFolder()
const depth = 5
const buffer = 4 * block

/** A writer with `depth` buffers in flight, none of them with the kernel yet. */
async function inFlight() {
  const writes = new HeldWrites()
  const { writer, path } = await openOver(folder, writes.faults, { queueDepth: depth })
  const content = someBytes(depth * buffer)
  expect(writer.writeSync(content)).toBe(true)
  const held = await writes.first(depth)
  expect(held.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4].map((index) => index * buffer))
  return { writes, writer, path, content, held }
}

const anyOrder = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: depth })

describe('writes that complete in any order', () => {
  test.prop([anyOrder], { numRuns: 25 })('move writtenBytes over the contiguous ones only', async (order) => {
    const { writes, writer, path, content, held } = await inFlight()
    const landed = new Set<number>()
    for (const index of order) {
      await held[index]?.land()
      landed.add(index)
      const gap = [0, 1, 2, 3, 4].find((one) => !landed.has(one)) ?? depth
      expect(writer.writtenBytes).toBe(gap * buffer)
      expect(writer.syncedBytes).toBe(0)
    }
    writes.letAllThrough()
    await soon(writer.end(), 'end')
    expectContent(path, content)
  })

  test.prop([anyOrder, fc.integer({ min: 1, max: 4 })], { numRuns: 25 })(
    'with failures among them: the first error wins, written is what is before the first gap',
    async (order, failures) => {
      const { writes, writer, path, content, held } = await inFlight()
      const flushed = rejection(writer.flush())
      const failed = order.slice(0, failures)
      for (const [step, index] of order.entries()) {
        if (step < failures) held[index]?.fail(failing(step === 0 ? 'EDQUOT' : 'ENOSPC', 'pwritev2'))
        else await held[index]?.land()
      }
      const gap = Math.min(...failed)
      const error = await flushed
      expect(error).toMatchObject({ code: 'EDQUOT', retryable: true, position: gap * buffer })
      expect(writer.writtenBytes).toBe(gap * buffer)
      writes.letAllThrough()
      expect(await soon(writer.end(), 'end')).toBe(content.byteLength)
      expectContent(path, content)
    },
  )

  test.prop([anyOrder, fc.integer({ min: 1, max: 4 })], { numRuns: 25 })(
    'with final failures among them: the file is cut at the first gap, however much landed behind it',
    async (order, failures) => {
      const { writer, path, content, held } = await inFlight()
      const ended = rejection(writer.end())
      const failed = order.slice(0, failures)
      for (const [step, index] of order.entries()) {
        if (step < failures) held[index]?.fail(failing(step === 0 ? 'EIO' : 'ENOSPC', 'pwritev2'))
        else await held[index]?.land()
      }
      const gap = Math.min(...failed)
      const error = await ended
      expect(error).toMatchObject({ code: 'EIO', retryable: false, position: gap * buffer })
      expect(await rejection(writer.flush())).toBe(error)
      expectContent(path, content.subarray(0, gap * buffer))
    },
  )

  it('are waited for before a failure is told', async () => {
    const { writes, writer, held } = await inFlight()
    const flushed = writer.flush()
    flushed.catch(() => undefined)
    held[1]?.fail(failing('ENOSPC', 'pwritev2'))
    for (const index of [4, 0, 3]) {
      expect(await isPending(flushed)).toBe(true)
      await held[index]?.land()
    }
    expect(await isPending(flushed)).toBe(true)
    await held[2]?.land()
    expect(await rejection(flushed)).toMatchObject({ position: buffer })
    writes.letAllThrough()
    await soon(writer.end(), 'end')
  })

  it('are all waited for by flush', async () => {
    const { writes, writer, held } = await inFlight()
    const flushed = writer.flush()
    for (const index of [4, 3, 2, 1, 0]) {
      expect(await isPending(flushed)).toBe(true)
      await held[index]?.land()
    }
    await soon(flushed, 'flush')
    writes.letAllThrough()
    await writer.end()
  })

  it('never are more at a time than queueDepth', async () => {
    let inKernel = 0
    let most = 0
    const { writer, path } = await openOver(
      folder,
      {
        pwrite: async (real, ...parameters) => {
          most = Math.max(most, ++inKernel)
          try {
            return await real.pwrite(...parameters)
          } finally {
            inKernel--
          }
        },
      },
      { queueDepth: 3 },
    )
    const content = someBytes(100 * block + 5)
    for (let at = 0; at < content.byteLength; at += 3000) await writer.write(content.subarray(at, at + 3000))
    await writer.write(content)
    await writer.end()
    expectContent(path, Buffer.concat([content, content]))
    expect(most).toBeLessThanOrEqual(3)
    expect(most).toBeGreaterThan(1)
  })
})
