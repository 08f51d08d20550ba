import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkpointSteps, writeCheckpoint } from '../../../bench/tsdb/wal/checkpoint.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { checkpointFolder, lastCheckpoint, segmentPath } from '../../../bench/tsdb/wal/wal-folder.ts'
import { kernelError } from '../../support/faults.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom, expectFile } from '../../writer/tools.ts'
import { replaceCalls } from './package-faults.ts'
import {
  appendAll,
  everyStrategy,
  expectRecords,
  namesIn,
  openWal,
  readLog,
  someRecord,
  someRecords,
  writeLog,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

/** What is in segments 0 to 5, a record each. */
const old = someRecords(6, 40_000, 1)
/** What is kept of segments 0 to 2. */
const kept = [...someRecords(80, 3000, 100), someRecord(0)]
const rest = old.slice(3)
const options = { strategy: 'direct', segmentBytes: 2 * PAGE_BYTES } as const

async function withSixSegments(path = fresh()): Promise<string> {
  const wal = await openWal(path)
  for (const [i, record] of old.entries()) {
    if (i > 0) await wal.nextSegment()
    await appendAll(wal, [record])
  }
  await wal.end()
  return path
}

describe('a checkpoint', () => {
  it.each(everyStrategy)('stands in the place of the segments up to its number, under %s', async (strategy) => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, { strategy, segmentBytes: 2 * PAGE_BYTES })
    expect(namesIn(path)).toEqual(['00000003', '00000004', '00000005', 'checkpoint.00000002'])
    expect(await lastCheckpoint(path)).toEqual({ segment: 2, folder: checkpointFolder(path, 2) })
    const { records, places, outcome } = await readLog(path)
    expectRecords(records, [...kept, ...rest])
    expect(places.map(({ checkpoint }) => checkpoint)).toEqual([...kept.map(() => 2), null, null, null])
    expect(places.at(-1)?.segment).toBe(5)
    expect(outcome).toEqual({ end: { segment: 5, offset: rest.at(-1)!.length + 7 }, torn: null })
  })

  it('is a log of its own, from segment 0 on, as the same writer would write it', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, options)
    const same = fresh()
    await writeLog(same, kept)
    expect(readdirSync(checkpointFolder(path, 2)).toSorted()).toEqual(namesIn(same))
    expect(namesIn(same).length).toBeGreaterThan(1)
    for (const name of namesIn(same)) {
      expectFile(join(checkpointFolder(path, 2), name), readFileSync(join(same, name)))
    }
  })

  it('takes the place of the one before', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, options)
    await writeCheckpoint(path, 4, [someRecord(5)], options)
    expect(namesIn(path)).toEqual(['00000005', 'checkpoint.00000004'])
    expectRecords((await readLog(path)).records, [someRecord(5), old[5]!])
  })

  it('may take its records from the log that it shortens, as they come', async () => {
    const path = await withSixSegments()
    async function* large(): AsyncGenerator<Buffer> {
      for (const record of (await readLog(path)).records.slice(0, 5)) {
        if (record.length > 10_000) yield record
      }
    }
    await writeCheckpoint(path, 4, large(), options)
    const expected = [...old.slice(0, 5).filter((record) => record.length > 10_000), old[5]!]
    expect(expected.length).toBeLessThan(6)
    expectRecords((await readLog(path)).records, expected)
  })

  it('may hold nothing', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, [], options)
    expectRecords((await readLog(path)).records, rest)
  })

  it('is written beside a writer, which goes on', async () => {
    const path = fresh()
    const wal = await openWal(path)
    await appendAll(wal, [someRecord(10)])
    await wal.nextSegment()
    await wal.append(someRecord(20))
    await writeCheckpoint(path, 0, [someRecord(7)], options)
    await appendAll(wal, [someRecord(30)])
    await wal.end()
    expectRecords((await readLog(path)).records, [someRecord(7), someRecord(20), someRecord(30)])
  })

  it('is left out when a replay begins with a segment', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, options)
    expectRecords((await readLog(path, { from: 4 })).records, old.slice(4))
  })

  it('that is there, or a later one, is not written again', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, options)
    for (const upTo of [2, 1])
      expect(await codeFrom(() => writeCheckpoint(path, upTo, [], options))).toBe('ERR_TSDB_STATE')
    expectRecords((await readLog(path)).records, [...kept, ...rest])
  })

  it('needs a segment behind it', async () => {
    const path = await withSixSegments()
    const missing = { code: 'ERR_TSDB_STATE', file: segmentPath(path, 6) }
    expect(await errorFrom(() => writeCheckpoint(path, 5, [], options))).toMatchObject(missing)
    expectRecords((await readLog(path)).records, old)
  })

  it('of which something is wrong is corruption, also at its end', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, [someRecord(1000)], options)
    const file = segmentPath(checkpointFolder(path, 2), 0)
    truncateSync(file, 1006)
    expect(await errorFrom(() => readLog(path))).toMatchObject({ name: 'TsdbError', file })
  })

  it('without its first segment is corruption, and so is one without any', async () => {
    const path = await withSixSegments()
    await writeCheckpoint(path, 2, kept, options)
    const checkpoint = checkpointFolder(path, 2)
    const segments = readdirSync(checkpoint).length
    const first = segmentPath(checkpoint, 0)
    rmSync(first)
    expect(await errorFrom(() => readLog(path))).toMatchObject({ code: 'ERR_TSDB_MALFORMED', file: first })
    for (let segment = 1; segment < segments; segment++) rmSync(segmentPath(checkpoint, segment))
    expect(await errorFrom(() => readLog(path))).toMatchObject({ code: 'ERR_TSDB_MALFORMED', file: checkpoint })
  })
})

function* broken(): Generator<Buffer> {
  yield someRecord(10)
  throw new Error('no more')
}

describe('a checkpoint that fails', () => {
  it('for want of space changes nothing, and leaves nothing', async () => {
    const path = await withSixSegments()
    replaceCalls({ pwrite: () => Promise.reject(kernelError('ENOSPC', 28, 'pwritev2')) })
    const error = await errorFrom(() => writeCheckpoint(path, 2, kept, options))
    expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
    expect(namesIn(path)).toHaveLength(6)
    expectRecords((await readLog(path)).records, old)
  })

  it('because its records do changes nothing, and leaves nothing', async () => {
    const path = await withSixSegments()
    expect((await errorFrom(() => writeCheckpoint(path, 2, broken(), options))).message).toBe('no more')
    expect(namesIn(path)).toHaveLength(6)
  })
})

/** Makes the first steps of a checkpoint up to segment 4, with one up to 1 before it; how it is when it dies then. */
async function dyingBefore(step: number): Promise<{ path: string; what: string | null }> {
  const path = await withSixSegments()
  await writeCheckpoint(path, 1, old.slice(0, 2), options)
  // Earlier processes have died, too, one of them over the same.
  for (const name of ['checkpoint.00000003.tmp', 'checkpoint.00000004.tmp']) {
    mkdirSync(join(path, name))
    writeFileSync(join(path, name, '00000000'), 'half a log')
  }
  const steps = checkpointSteps(path, 4, kept, options)
  let what: string | null = null
  for (let i = 0; i <= step; i++) what = (await steps.next()).value ?? null
  return { path, what }
}

describe('a process that dies', () => {
  it('before any step of it leaves the old log or the new one, which the next writer clears up', async () => {
    const whats: (string | null)[] = []
    for (let step = 0; whats.at(-1) !== null; step++) {
      const { path, what } = await dyingBefore(step)
      whats.push(what)
      const isNew = existsSync(checkpointFolder(path, 4))
      const expected = isNew ? [...kept, old[5]!] : old
      expectRecords((await readLog(path)).records, expected)
      await writeLog(path, [someRecord(8)])
      expectRecords((await readLog(path)).records, [...expected, someRecord(8)])
      const segments = isNew ? ['00000005'] : ['00000002', '00000003', '00000004', '00000005']
      expect(namesIn(path)).toEqual([...segments, '00000006', isNew ? 'checkpoint.00000004' : 'checkpoint.00000001'])
    }
    expect(whats).toEqual([
      'remove what others left',
      'write the records',
      'sync the new folder',
      'rename it',
      'sync the folder',
      'delete checkpoint 1',
      'delete segment 2',
      'delete segment 3',
      'delete segment 4',
      'sync the folder',
      null,
    ])
  })

  it('before any step of it does not keep the next checkpoint from being written', async () => {
    for (let step = 0; ; step++) {
      const { path, what } = await dyingBefore(step)
      await writeLog(path, [someRecord(8)])
      await writeCheckpoint(path, 5, [someRecord(9)], options)
      expect(namesIn(path)).toEqual(['00000006', 'checkpoint.00000005'])
      expectRecords((await readLog(path)).records, [someRecord(9), someRecord(8)])
      if (what === null) break
    }
  })
})
