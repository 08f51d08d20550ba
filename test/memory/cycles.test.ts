import { beforeEach, describe, expect, test } from 'vitest'
import { resultOfChild } from '../process/run-child.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { strategiesInEffect } from '../support/mode.ts'

interface Held {
  descriptors: number
  threads: number
  residentBytes: number
  mappings: number
  heapBytes: number
  externalBytes: number
  buffers: { heldBytes: number; retainedBytes: number; registeredBytes: number }
}

/** 100,000 in the long profile: `CYCLES=100000`. */
const cycles = Number(process.env.CYCLES ?? 6000)
const MiB = 1024 * 1024

describe.each(enginesHere())('by %s', (engine) => {
  beforeEach(() => expectEngine(engine))

  test(
    `${cycles} times opened, written and closed, in every way to the end: nothing is left of them`,
    async () => {
      const program = new URL('fixtures/cycles.mjs', import.meta.url)
      const { before, after, engines, strategies } = await resultOfChild<{
        before: Held
        after: Held
        engines: string[]
        strategies: string[]
      }>(program, [temporaryFolder(), String(cycles)], {
        nodeArguments: ['--expose-gc'],
        env: { UNCACHED_IO_ENGINE: engine },
        timeLimitMs: 60_000 + 20 * cycles,
      })
      process.stdout.write(`${cycles} cycles by ${engines.join()}: ${JSON.stringify({ before, after })}\n`)
      expect(engines).toEqual([engine])
      expect(strategies.toSorted()).toEqual(strategiesInEffect('buffered', 'direct', 'evict'))
      expect(after.descriptors).toBe(before.descriptors)
      expect(after.buffers).toMatchObject({ heldBytes: 0, retainedBytes: 0, registeredBytes: 0 })
      // The ring's helpers in the kernel are counted, too, and come and go.
      expect(after.threads - before.threads, 'threads').toBeLessThan(32)
      // What Node itself does not give back: arenas of malloc, which are more the busier the machine is. A mapping or a KiB of each
      // cycle would be thousands, or MiBs.
      expect(after.residentBytes - before.residentBytes, 'resident').toBeLessThan(32 * MiB)
      expect(after.heapBytes - before.heapBytes, 'heap').toBeLessThan(4 * MiB)
      expect(after.externalBytes - before.externalBytes, 'external').toBeLessThan(MiB)
      expect(after.mappings - before.mappings, 'mappings').toBeLessThan(256)
    },
    120_000 + 20 * cycles,
  )
})
