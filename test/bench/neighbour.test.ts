import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { residentBytesOf } from '../../bench/measure/footprint.ts'
import { isPage, makeHotFile, PAGE_BYTES } from '../../bench/measure/neighbour/hot-file.ts'
import { startNeighbour } from '../../bench/measure/neighbour/neighbour.ts'
import { PacedReader } from '../../bench/measure/neighbour/paced-reader.ts'
import { packageFolder } from '../../bench/package.ts'
import { neighbourSchema } from '../../bench/schema/run.ts'
import { MIB } from '../../bench/units.ts'

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
const never = new AbortController().signal
const hotPath = join(folder, 'hot')
const hotBytes = 4 * MIB
beforeAll(() => makeHotFile(hotPath, hotBytes, never))

const script = pathToFileURL(
  fileURLToPath(new URL('../../out/bench/measure/neighbour/neighbour-child.js', import.meta.url)),
)

describe('makeHotFile', () => {
  it('writes pages that know their numbers, and leaves none of them in the page cache', async () => {
    const path = join(folder, 'made')
    await makeHotFile(path, 3 * MIB + 1, never)
    expect(await residentBytesOf(path)).toBe(0)
    const content = readFileSync(path)
    expect(content.length).toBe(3 * MIB + PAGE_BYTES)
    for (let number = 0; number * PAGE_BYTES < content.length; number++) {
      expect(isPage(content.subarray(number * PAGE_BYTES), number)).toBe(true)
    }
    expect(isPage(content, 1)).toBe(false)
  })

  it('ends when it is told to', async () => {
    const path = join(folder, 'ended')
    await expect(makeHotFile(path, MIB, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

/** Reads that take so many milliseconds, one after the other, and none from then on. */
function readerFor(readsPerSecond: number, ...tookMs: number[]) {
  let nowMs = 0
  let reads = 0
  const readOne = () => {
    nowMs += tookMs[reads++] ?? 0
  }
  return { reader: new PacedReader(readsPerSecond, readOne, () => nowMs), readCount: () => reads }
}

describe('PacedReader', () => {
  it.each([
    [100, 10],
    [1500, 150],
    [8000, 800],
  ])('makes %d reads a second', (readsPerSecond, inATenth) => {
    const { reader, readCount } = readerFor(readsPerSecond)
    for (let i = 0; i < 100; i++) reader.slice()
    expect(Math.abs(readCount() - inATenth), 'parts of a read are carried on').toBeLessThanOrEqual(1)
  })

  it('counts a stall once more for each read that it kept from being made', () => {
    const { reader } = readerFor(1000, 0.01, 5)
    for (let i = 0; i < 4; i++) reader.slice()
    // 5 ms, and those that would have begun 1, 2, 3 and 4 ms later and ended with it.
    const { count, maxNs, p50Ns } = reader.take()
    expect(count).toBe(4 + 4)
    expect(maxNs).toBeGreaterThan(4.9e6)
    expect(p50Ns).toBeGreaterThan(0.9e6)
  })

  it('begins anew when its figures are taken', () => {
    const { reader } = readerFor(1000, 2)
    reader.slice()
    expect(reader.take().count).toBe(2)
    expect(reader.take()).toEqual({ count: 0, p50Ns: 0, p90Ns: 0, p99Ns: 0, p999Ns: 0, maxNs: 0 })
  })
})

const start = (changes: Partial<Parameters<typeof startNeighbour>[0]> = {}) =>
  startNeighbour({ script, hotPath, hotBytes, readsPerSecond: 2000, add: async () => {}, signal: never, ...changes })

describe('the process of a neighbour', () => {
  it('is moved before it reads, and tells what it felt in each phase', async () => {
    let residentWhenAdded = -1
    const neighbour = await start({
      add: async () => {
        residentWhenAdded = await residentBytesOf(hotPath)
      },
    })
    try {
      expect(residentWhenAdded).toBe(0)
      for (const phase of ['before', 'during', 'after'] as const) {
        await neighbour.begin(phase)
        await sleep(100)
      }
      const phases = await neighbour.finish()
      expect(() => neighbourSchema.parse({ hotBytes, limitBytes: null, refaultedPages: null, ...phases })).not.toThrow()
      for (const { latency, residentShare } of Object.values(phases)) {
        expect(latency.count).toBeGreaterThan(10)
        expect(latency.p50Ns).toBeGreaterThan(0)
        expect(residentShare).toBe(1)
      }
    } finally {
      await neighbour.end()
    }
  })

  it('does not tell of phases that never began', async () => {
    const neighbour = await start()
    await neighbour.begin('before')
    await expect(neighbour.finish()).rejects.toThrow('not measured during the writer')
    await neighbour.end()
    await neighbour.end()
  })

  it('says how it ended, when it is killed', async () => {
    let pid = 0
    const neighbour = await start({
      add: async (its) => {
        pid = its
      },
    })
    process.kill(pid, 'SIGKILL')
    await expect(neighbour.begin('before')).rejects.toThrow('the neighbour ended with SIGKILL')
    await neighbour.end()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  it('believes no page that is not what was written', async () => {
    const path = join(folder, 'spoiled')
    await makeHotFile(path, MIB, never)
    writeSync(openSync(path, 'r+'), Buffer.alloc(4, 9), 0, 4, 5 * PAGE_BYTES)
    await expect(start({ hotPath: path, hotBytes: MIB })).rejects.toThrow(
      /exit code 1: .*hot page 5 is not what was written/,
    )
  })

  it('cannot be started any more when all is to end', async () => {
    await expect(start({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})
