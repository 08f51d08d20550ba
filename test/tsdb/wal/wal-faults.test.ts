import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { follow } from '../../../bench/tsdb/wal/live-reader.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { kernelError } from '../../support/faults.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom, idle } from '../../writer/tools.ts'
import { Gate, replaceCalls } from './package-faults.ts'
import {
  appendAll,
  everyStrategy,
  expectRecords,
  namesIn,
  openWal,
  readLog,
  someRecord,
  someRecords,
  taken,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

const noSpace = (syscall: string) => kernelError('ENOSPC', 28, syscall)

/** A disk that has space for so many writes. */
function limitedDisk(): { writesLeft: number; refused: number } {
  const disk = { writesLeft: Infinity, refused: 0 }
  const take = (syscall: string) => {
    if (disk.writesLeft <= 0) {
      disk.refused++
      throw noSpace(syscall)
    }
    disk.writesLeft--
  }
  replaceCalls({
    pwrite: async (real, ...parameters) => {
      take('pwritev2')
      return await real.pwrite(...parameters)
    },
    fallocate: async (real, ...parameters) => {
      take('fallocate')
      await real.fallocate(...parameters)
    },
  })
  return disk
}

/** Rejected, and worth another try. */
async function expectRetryable(call: () => unknown): Promise<void> {
  expect(await errorFrom(call)).toMatchObject({ code: 'ENOSPC', retryable: true })
}

describe.each(everyStrategy)('on a full disk under %s', (strategy) => {
  it('a commit is rejected, and the same commit goes through when there is space', async () => {
    const disk = limitedDisk()
    const path = fresh()
    const wal = await openWal(path, { strategy })
    const records = someRecords(10, 3000)
    await appendAll(wal, records.slice(0, 5))
    for (const record of records.slice(5)) await wal.append(record)
    const { committed } = wal
    disk.writesLeft = 0
    for (let i = 0; i < 3; i++) await expectRetryable(() => wal.commit())
    expect(wal.committed).toEqual(committed)
    disk.writesLeft = Infinity
    await wal.commit()
    expect(wal.committed).toEqual(wal.position)
    await wal.end()
    expectRecords((await readLog(path)).records, records)
  })

  it('a record of which a part was written when space ran out is not in the log, before it is tried again', async () => {
    const path = fresh()
    const disk = limitedDisk()
    const options = { strategy, segmentBytes: 64 * PAGE_BYTES, bufferSize: 16_384, preallocate: false }
    const wal = await openWal(path, options)
    await appendAll(wal, [someRecord(20_000)])
    const { position } = wal
    disk.writesLeft = 7
    const large = someRecord(900_000, 5)
    await expectRetryable(() => wal.append(large))
    expect(disk.writesLeft).toBe(0)
    expect(wal.position).toEqual(position)
    disk.writesLeft = Infinity
    // Another record comes first.
    await appendAll(wal, [someRecord(30_000, 6)])
    await wal.append(large)
    await wal.end()
    expectRecords((await readLog(path)).records, [someRecord(20_000), someRecord(30_000, 6), large])
  })

  it('calls that wait behind a rejected one are rejected with it, and can all be made again', async () => {
    const path = fresh()
    const disk = limitedDisk()
    const wal = await openWal(path, { strategy })
    await wal.append(someRecord(50))
    disk.writesLeft = 0
    const commit = wal.commit()
    const appends = [wal.append(someRecord(60, 2)), wal.append(someRecord(70, 3))].map(taken)
    const calls = [commit, ...appends, wal.commit()]
    const ends = await Promise.allSettled(calls)
    const [first] = ends
    expect(first?.status).toBe('rejected')
    expect(ends).toEqual(ends.map(() => first))
    disk.writesLeft = Infinity
    await appendAll(wal, [someRecord(60, 2), someRecord(70, 3)])
    await wal.end()
    expectRecords((await readLog(path)).records, [someRecord(50), someRecord(60, 2), someRecord(70, 3)])
  })

  it('the end is rejected, and can be tried again', async () => {
    const path = fresh()
    const disk = limitedDisk()
    const wal = await openWal(path, { strategy })
    await wal.append(someRecord(50))
    disk.writesLeft = 0
    await expectRetryable(() => wal.end())
    expect(wal.state.is).toBe('open')
    disk.writesLeft = Infinity
    await wal.append(someRecord(60))
    await wal.end()
    expectRecords((await readLog(path)).records, [someRecord(50), someRecord(60)])
  })
})

describe('without room for a next segment', () => {
  it('what needs it is rejected, nothing is left behind, and the present one stays', async () => {
    const path = fresh()
    const disk = limitedDisk()
    const wal = await openWal(path)
    await appendAll(wal, [someRecord(60_000)])
    disk.writesLeft = 0
    await expectRetryable(() => wal.append(someRecord(50_000, 2)))
    await expectRetryable(() => wal.append(someRecord(50_000, 2)))
    expect(namesIn(path)).toEqual(['00000000'])
    expect(wal.position.segment).toBe(0)
    disk.writesLeft = Infinity
    // Small enough for the present one, were that not padded by now.
    await appendAll(wal, [someRecord(10, 3), someRecord(50_000, 2)])
    await wal.end()
    const log = await readLog(path)
    expectRecords(log.records, [someRecord(60_000), someRecord(10, 3), someRecord(50_000, 2)])
    expect(log.places.map(({ segment }) => segment)).toEqual([0, 1, 1])
    expect(log.outcome.torn).toBeNull()
  })

  it('a writer does not begin', async () => {
    const path = fresh()
    const disk = limitedDisk()
    disk.writesLeft = 0
    expect(await codeFrom(() => openWal(path))).toBe('ENOSPC')
    expect(namesIn(path)).toEqual([])
  })
})

const broken = () => Promise.reject(kernelError('EIO', 5, 'fdatasync'))

describe('a sync that fails', () => {
  it('is the end of the writer', async () => {
    const path = fresh()
    replaceCalls({ fdatasync: broken })
    const wal = await openWal(path, { sync: 'every-batch' })
    await wal.append(someRecord(10))
    const error = await errorFrom(() => wal.commit())
    expect(error).toMatchObject({ code: 'EIO', retryable: false })
    expect(wal.state).toEqual({ is: 'failed', error })
    expect(wal.synced).toEqual({ segment: 0, offset: 0 })
    for (const call of [
      () => wal.append(someRecord(1)),
      () => wal.commit(),
      () => wal.end(),
      () => wal.nextSegment(),
    ]) {
      expect(await errorFrom(call)).toBe(error)
    }
  })

  it('is told to those who follow, behind all that was committed', async () => {
    replaceCalls({ fdatasync: broken })
    const wal = await openWal(fresh(), { sync: 'every-batch' })
    await wal.append(someRecord(10))
    const error = await errorFrom(() => wal.commit())
    const found: Buffer[] = []
    const reading = async () => {
      for await (const { bytes } of follow(wal)) found.push(Buffer.from(bytes))
    }
    expect(await errorFrom(reading)).toBe(error)
    expectRecords(found, [someRecord(10)])
  })
})

/** Counts the syncs of files from now on. */
function countSyncs(): { syncs: number } {
  const counted = { syncs: 0 }
  replaceCalls({
    fdatasync: async (real) => {
      counted.syncs++
      await real.fdatasync()
    },
  })
  return counted
}

describe('the policy', () => {
  it('never syncs no batch, but a segment that is ended', async () => {
    const counted = countSyncs()
    const wal = await openWal(fresh(), { sync: 'never' })
    for (let i = 0; i < 5; i++) await appendAll(wal, [someRecord(10)])
    expect(counted.syncs).toBe(0)
    expect(wal.synced).toEqual({ segment: 0, offset: 0 })
    await wal.nextSegment()
    expect(counted.syncs).toBe(1)
    await wal.end()
    expect(counted.syncs).toBe(2)
  })

  it('every-batch syncs each batch before its commit resolves', async () => {
    const counted = countSyncs()
    const wal = await openWal(fresh(), { sync: 'every-batch' })
    for (let i = 1; i <= 5; i++) {
      await appendAll(wal, [someRecord(10)])
      expect(counted.syncs).toBe(i)
      expect(wal.synced).toEqual(wal.position)
    }
    await wal.end()
  })

  it('every-batch lets the next batch be taken while one is synced', async () => {
    const path = fresh()
    const gate = new Gate()
    replaceCalls({
      fdatasync: async (real) => {
        await gate.opened
        await real.fdatasync()
      },
    })
    const wal = await openWal(path, { sync: 'every-batch' })
    await wal.append(someRecord(10))
    let isCommitted = false
    const first = wal.commit().then(() => (isCommitted = true))
    await vi.waitUntil(() => wal.committed.offset === 17)
    await wal.append(someRecord(20))
    const second = wal.commit()
    await vi.waitUntil(() => wal.committed.offset === 44)
    await idle()
    expect(isCommitted).toBe(false)
    expect(wal.synced.offset).toBe(0)
    gate.open()
    await Promise.all([first, second])
    expect(wal.synced).toEqual(wal.position)
    await wal.end()
  })
})

/** Files whose syncs a test sees, lets wait and lets fail. */
function watchedSyncs(): { begun: number; failure: Error | null; gate: Promise<void> } {
  const watched = { begun: 0, failure: null as Error | null, gate: Promise.resolve() }
  replaceCalls({
    fdatasync: async (real) => {
      watched.begun++
      await watched.gate
      if (watched.failure !== null) throw watched.failure
      await real.fdatasync()
    },
  })
  return watched
}

/** Waits for what only the disk keeps waiting. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await idle()
}

it('a sync that takes longer than the next one does not take back what that made durable', async () => {
  const gates = [new Gate(), new Gate()]
  let begun = 0
  replaceCalls({
    fdatasync: async (real) => {
      await gates[begun++]?.opened
      await real.fdatasync()
    },
  })
  const wal = await openWal(fresh())
  await wal.append(someRecord(10))
  const first = wal.sync()
  await vi.waitUntil(() => begun === 1)
  await wal.append(someRecord(20))
  const second = wal.sync()
  await vi.waitUntil(() => begun === 2)
  gates[1]!.open()
  await second
  expect(wal.synced).toEqual({ segment: 0, offset: 44 })
  gates[0]!.open()
  await first
  expect(wal.synced).toEqual({ segment: 0, offset: 44 })
  await wal.end()
})

/** Timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

it('the timer of a policy keeps no process alive', async () => {
  const wal = await openWal(fresh(), { sync: { everyMs: 3_600_000 } })
  await wal.append(someRecord(10))
  const before = timers()
  await wal.commit()
  expect(timers()).toBeLessThanOrEqual(before)
  await wal.end()
})

describe('the policy of every so many milliseconds', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('syncs what was committed when the time is up, once', async () => {
    const syncs = watchedSyncs()
    const wal = await openWal(fresh(), { sync: { everyMs: 1000 } })
    await appendAll(wal, [someRecord(10)])
    vi.advanceTimersByTime(600)
    await appendAll(wal, [someRecord(10)])
    vi.advanceTimersByTime(399)
    await idle()
    expect(syncs.begun).toBe(0)
    vi.advanceTimersByTime(1)
    await until(() => wal.synced.offset === 34)
    vi.advanceTimersByTime(10_000)
    await idle()
    expect(syncs.begun).toBe(1)
    await appendAll(wal, [someRecord(10)])
    vi.advanceTimersByTime(1000)
    await until(() => wal.synced.offset === 51)
    expect(syncs.begun).toBe(2)
    await wal.end()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not keep batches from being committed meanwhile', async () => {
    const syncs = watchedSyncs()
    const gate = new Gate()
    syncs.gate = gate.opened
    const wal = await openWal(fresh(), { sync: { everyMs: 1000 } })
    await appendAll(wal, [someRecord(10)])
    vi.advanceTimersByTime(1000)
    await until(() => syncs.begun === 1)
    await appendAll(wal, [someRecord(10)])
    expect([wal.committed.offset, wal.synced.offset]).toEqual([34, 0])
    gate.open()
    await until(() => wal.synced.offset === 17)
    await wal.end()
  })

  it('tells the next call of a sync that failed', async () => {
    const syncs = watchedSyncs()
    const wal = await openWal(fresh(), { sync: { everyMs: 1000 } })
    await appendAll(wal, [someRecord(10)])
    syncs.failure = kernelError('EIO', 5, 'fdatasync')
    vi.advanceTimersByTime(1000)
    await until(() => wal.state.is === 'failed')
    expect(await errorFrom(() => wal.append(someRecord(10)))).toMatchObject({ code: 'EIO', retryable: false })
  })

  it('tells the next call of a full disk, once, and loses nothing', async () => {
    const path = fresh()
    const disk = limitedDisk()
    const wal = await openWal(path, { sync: { everyMs: 1000 } })
    await appendAll(wal, [someRecord(10)])
    await wal.append(someRecord(20))
    disk.writesLeft = 0
    vi.advanceTimersByTime(1000)
    await until(() => disk.refused > 0)
    disk.writesLeft = Infinity
    await expectRetryable(() => wal.append(someRecord(30)))
    await appendAll(wal, [someRecord(30)])
    await wal.end()
    expectRecords((await readLog(path)).records, [someRecord(10), someRecord(20), someRecord(30)])
  })

  it('has no timer after a failure', async () => {
    const wal = await openWal(fresh(), { sync: { everyMs: 1000 } })
    await appendAll(wal, [someRecord(10)])
    expect(vi.getTimerCount()).toBe(1)
    await wal.fail(new Error('enough'))
    expect(vi.getTimerCount()).toBe(0)
  })
})
