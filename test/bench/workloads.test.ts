import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import { subjectNamed, subjects } from '../../bench/subjects/index.ts'
import { type Sink, type Subject, UnsupportedError } from '../../bench/subjects/subject.ts'
import { KIB, MIB } from '../../bench/units.ts'
import { workloadNamed, workloads } from '../../bench/workloads/index.ts'
import { Throttle } from '../../bench/workloads/throttle.ts'
import { Turns } from '../../bench/workloads/turns.ts'
import type { WorkDone, WorkPlace } from '../../bench/workloads/workload.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const isForced = process.env.FORCEDIRECTIO === '1'
let placeCount = 0

function placeOf(bytes: number, changes: Partial<WorkPlace> = {}): WorkPlace {
  const path = join(folder, `place-${placeCount++}`)
  return { path, bytes, setUpFolder: `${path}.set-up`, bytesPerSecond: null, point: null, ...changes }
}

async function write(name: string, subject: Subject, place: WorkPlace): Promise<WorkDone> {
  const prepared = await workloadNamed(name).prepare(subject, place)
  return await prepared.run()
}

/** What writing came to, where this subject can be had here. */
async function attempt(name: string, subject: Subject, place: WorkPlace): Promise<WorkDone | UnsupportedError> {
  try {
    return await write(name, subject, place)
  } catch (error) {
    if (error instanceof UnsupportedError) return error
    throw error
  }
}

/** Keeps everything in memory, and has room for a piece only every now and then. */
function slowSubject(): Subject & { readonly contents: Map<string, Buffer[]> } {
  const contents = new Map<string, Buffer[]>()
  return {
    name: 'slow',
    summary: '',
    claim: null,
    strategy: null,
    contents,
    async open(path): Promise<Sink> {
      const taken: Buffer[] = []
      contents.set(path, taken)
      return {
        put(piece) {
          taken.push(Buffer.from(piece))
          return taken.length % 3 === 0 ? new Promise((resolve) => setTimeout(resolve, 1)) : null
        },
        async finish() {
          const all = Buffer.concat(taken)
          writeFileSync(path, all)
          return all.length
        },
      }
    },
  }
}

describe('every workload', () => {
  it('says in which situations it makes sense, and where its footprint is', () => {
    for (const workload of workloads) {
      expect(workload.situations).toContain('alone')
      expect(workload.footprintPath(placeOf(1))).toContain(folder)
      if (workload.subjects === 'strategies') expect(workload.situations).not.toContain('neighbour-throttled')
    }
  })
})

describe.each(subjects.map(({ name }) => name))('many-files by %s', (name) => {
  it('writes 64 files of all bytes together, each with a content of its own', async () => {
    const place = placeOf(3 * MIB + 5)
    const done = await attempt('many-files', subjectNamed(name), place)
    if (done instanceof UnsupportedError) {
      expect(subjectNamed(name).strategy).not.toBeNull()
      return
    }
    const workload = workloadNamed('many-files')
    expect(done.bytes).toBe(place.bytes)
    expect(done.writeLatency?.count).toBeGreaterThanOrEqual(2)
    expect(await workload.check(place, done.bytes)).toBeNull()
    const files = readdirSync(place.path)
    expect(files).toHaveLength(64)
    const bytes = files.map((file) => statSync(join(place.path, file)).size).reduce((a, b) => a + b)
    expect(bytes).toBe(place.bytes)
    expect(await workload.check(place, done.bytes - 1)).toContain('it says to have written')
  })
})

describe('many-files', () => {
  it('goes on with others where one has no room, and loses nothing', async () => {
    const place = placeOf(20 * MIB)
    const subject = slowSubject()
    expect(await write('many-files', subject, place)).toMatchObject({ bytes: place.bytes })
    expect(await workloadNamed('many-files').check(place, place.bytes)).toBeNull()
  })

  it('notices a file in the place of another', async () => {
    const place = placeOf(8 * MIB)
    await write('many-files', slowSubject(), place)
    const [first, second] = ['file-00', 'file-01'].map((name) => join(place.path, name)) as [string, string]
    const content = readFileSync(first)
    writeFileSync(first, readFileSync(second))
    writeFileSync(second, content)
    expect(await workloadNamed('many-files').check(place, place.bytes)).toMatch(/^file 0: wrong content/)
  })

  it('tells of the first error of any file', async () => {
    const full: Subject = {
      ...slowSubject(),
      open: async () => ({
        put: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
        finish: async () => 0,
      }),
    }
    await expect(write('many-files', full, placeOf(8 * MIB))).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})

describe('mixed', () => {
  it('writes two files at once, of which one is the subject’s and counts for its claim', async () => {
    const place = placeOf(5 * MIB + 1)
    const workload = workloadNamed('mixed')
    const done = await attempt('mixed', subjectNamed('fs-filehandle'), place)
    // A number with another writer in the place of the buffered one would be a lie.
    if (isForced) {
      expect(done).toMatchObject({ code: 'ERR_STRATEGY_NOT_IN_EFFECT' })
      return
    }
    expect(done).toMatchObject({ bytes: place.bytes })
    expect(await workload.check(place, place.bytes)).toBeNull()
    expect(workload.footprintPath(place)).toBe(join(place.path, 'subject'))
    expect(readdirSync(place.path).toSorted()).toEqual(['buffered', 'subject'])
    writeFileSync(join(place.path, 'buffered'), '')
    expect(await workload.check(place, place.bytes)).toContain('the file is 0 bytes long')
  })
})

describe('a sweep', () => {
  const point = { blockBytes: 256 * KIB, queueDepth: 2 }

  it('hands blocks of the size to a strategy', async () => {
    const place = placeOf(4 * MIB + 3, { point })
    expect(await write('large', subjectNamed('direct'), place)).toMatchObject({ bytes: place.bytes })
    expect(await workloadNamed('large').check(place, place.bytes)).toBeNull()
  })

  it('has blocks that are larger than those of the workload', async () => {
    const place = placeOf(9 * MIB, { point: { blockBytes: 4 * MIB, queueDepth: 1 } })
    expect(await write('large', subjectNamed('fs-filehandle'), place)).toMatchObject({ bytes: place.bytes })
    expect(await workloadNamed('large').check(place, place.bytes)).toBeNull()
  })

  it.each([
    'fs-write-stream',
    'fs-writev',
    'sonic-boom',
    'rotating-file-stream',
    'random-access-file',
    'fs-filehandle',
  ])('has no place for %s, of which nothing can be set', async (name) => {
    await expect(write('large', subjectNamed(name), placeOf(MIB, { point }))).rejects.toMatchObject({
      code: 'ERR_NOT_IN_SWEEP',
    })
  })
})

describe('Throttle', () => {
  it('spreads what is written over the time that it is worth', () => {
    const throttle = new Throttle(1000, 0)
    expect(throttle.pauseMs(100, 0)).toBe(100)
    // It took 30 of the 100 ms.
    expect(throttle.pauseMs(100, 130)).toBe(70)
    expect(throttle.pauseMs(50, 250)).toBe(0)
  })

  it('catches up by one pause and no more', () => {
    const throttle = new Throttle(1000, 0)
    throttle.pauseMs(100, 0)
    expect(throttle.pauseMs(100, 5000)).toBe(0)
    expect(throttle.pauseMs(100, 5000)).toBe(100)
  })
})

describe('Turns', () => {
  it('records a time for each MiB, and then waits as long as it is worth', async () => {
    const startedAtMs = performance.now()
    const turns = new Turns(10 * MIB)
    for (let i = 0; i < 3; i++) await turns.next(MIB)
    const tookMs = performance.now() - startedAtMs
    const { count, maxNs } = turns.latency()
    expect(count).toBe(3)
    // The pauses of 100 ms are in none of them, but for what a timer is late.
    expect(tookMs).toBeGreaterThan(250)
    expect(maxNs / 1e6).toBeLessThan(tookMs)
  })
})
