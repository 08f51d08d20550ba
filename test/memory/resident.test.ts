import { describe, expect, it } from 'vitest'
import { resultOfChild } from '../process/run-child.ts'
import { temporaryFolder } from '../support/folders.ts'

// Resident memory of processes of their own, in MiB.

const folder = temporaryFolder()
const fixture = new URL('fixtures/resident.mjs', import.meta.url)

async function measure<T>(task: string, env: Record<string, string> = {}): Promise<T> {
  return await resultOfChild<T>(fixture, [folder, task], { nodeArguments: ['--expose-gc'], env, timeLimitMs: 120_000 })
}

/** What glibc's malloc had, it keeps: then memory is cleared, and touched by that, wherever it comes from. */
const usedAgain = { MALLOC_MMAP_THRESHOLD_: '1073741824', MALLOC_TRIM_THRESHOLD_: '10737418240' }

describe('idle writers', () => {
  it.each([
    ['one thousand that were opened', 'opened', {}],
    ['one thousand that wrote 100 kB and were flushed, one by one', 'flushed', {}],
    ['one hundred that all wrote 100 kB before they were flushed', 'flushedTogether', {}],
    ['one hundred in memory that was used for something else before', 'flushedInUsedMemory', usedAgain],
  ])('hold less than 32 MiB a moment later: %s', async (_, task, env) => {
    const left = await measure<{ grownMiB: number; memoryMiB: number; mappings: unknown[] }>(task, env)
    expect(left).toMatchObject({ heldBytes: 0, retainedBytes: 0, registeredBytes: 0 })
    const why = left.mappings.map((mapping) => JSON.stringify(mapping)).join('\n')
    expect(
      left.grownMiB,
      `grown by ${left.grownMiB} MiB; ArrayBuffers by ${left.memoryMiB} MiB; largest:\n${why}\n`,
    ).toBeLessThan(32)
    // Not even as addresses: V8 collects garbage more often when it counts much memory outside of its heap.
    expect(left.memoryMiB, `ArrayBuffers grown by ${left.memoryMiB} MiB`).toBeLessThan(32)
  })
})

describe('the memory of buffers', () => {
  it('has left the process a moment after the last writer ended', async () => {
    const found = await measure<{ whole: boolean[]; filledMiB: number; leftMiB: number }>('released')
    expect(found.whole).toEqual(Array.from({ length: 8 }, () => true))
    expect(found.filledMiB, 'what the buffers took').toBeGreaterThan(60)
    expect(found).toMatchObject({ heldBytes: 0, retainedBytes: 0, registeredBytes: 0 })
    expect(found.leftMiB, `${found.leftMiB} of ${found.filledMiB} MiB are left`).toBeLessThan(8)
  })

  it('of one writer of small records is bufferSize * queueDepth and little more', async () => {
    const { grownMiB, buffersMiB } = await measure<{ grownMiB: number; buffersMiB: number }>('records')
    expect(buffersMiB).toBe(8)
    expect(grownMiB, `grown by ${grownMiB} MiB`).toBeLessThanOrEqual(buffersMiB + 8)
  })

  it('that is kept for a moment keeps no process alive', async () => {
    const { retainedBytes, tookMs } = await measure<{ retainedBytes: number; tookMs: number }>('leaves')
    expect(retainedBytes).toBeGreaterThan(0)
    // Half of the second for which it would have been kept.
    expect(tookMs).toBeLessThan(500)
  })
})
