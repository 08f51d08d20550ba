import { describe, expect, it } from 'vitest'
import { resultOfChild } from '../process/run-child.ts'
import { temporaryFolder } from '../support/folders.ts'

// The cap on buffers is one for all threads of a process. Each test is a process of its own with a worker.

const folder = temporaryFolder()
const fixture = new URL('fixtures/threads.mjs', import.meta.url)

/** Four buffers of the fixture. */
const fourBuffersBytes = 4 * (65_536 + 512)

async function run<T>(task: string): Promise<T> {
  return await resultOfChild<T>(fixture, [folder, task])
}

describe('the cap', () => {
  it('that one thread sets holds in the others, and in those that start later', async () => {
    expect(await run('cap')).toEqual({
      byDefault: 256 * 1024 * 1024,
      inWorker: 12_345_678,
      inMain: 87_654_321,
      inLaterWorker: 87_654_321,
      inMainLater: 87_654_321,
    })
  })
})

describe('what writers hold', () => {
  it('is counted over all threads, and seen by each', async () => {
    const one = fourBuffersBytes
    expect(await run('held')).toEqual({
      seen: { worker: one, main: one },
      both: { worker: 2 * one, main: 2 * one },
      one,
      none: 0,
      after: 0,
    })
  })

  it.each([
    ['is terminated', 'terminated'],
    ['exits', 'exited'],
  ])('comes back when its thread %s, buffered or in flight', async (_, task) => {
    const found = await run<{ begin: string; held: number; left: number }[]>(task)
    expect(found.map(({ begin, left }) => ({ begin, left }))).toEqual([
      { begin: 'hold', left: 0 },
      { begin: 'write', left: 0 },
    ])
    expect(found[0]?.held).toBe(fourBuffersBytes)
  })
})

describe('a writer that waits for memory of another thread', () => {
  it.each([
    ['in the main thread, for a worker that ends its writer', 'waitInMain'],
    ['in a worker, for the main thread that ends its writer', 'waitInWorker'],
    ['in the main thread, for a worker that is terminated', 'waitForTheDead'],
  ])('goes on when it comes back: %s', async (_, task) => {
    expect(await run(task)).toEqual({
      held: true,
      before: 'waits',
      result: { atOnce: false, drained: true, total: 3 * 65_536 },
      left: 0,
    })
  })
})
