import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeCheckpoint } from '../../../bench/tsdb/wal/checkpoint.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import type { WalWriter } from '../../../bench/tsdb/wal/wal-writer.ts'
import { demandFileSystemsInCI, named, whyNot } from '../../filesystem/file-systems.ts'
import { smallDisk } from '../../filesystem/small-disk.ts'
import { errorFrom } from '../../writer/tools.ts'
import { everyStrategy, expectRecords, namesIn, openWal, readLog, someRecord } from './wal-files.ts'

demandFileSystemsInCI()

describe.skipIf(whyNot !== null)(named('on a full ext4'), () => {
  const disk = smallDisk()

  const log = () => join(disk.folder, 'wal')

  /** Makes a call that needs space; again when there is some. @returns whether there was none at first. */
  async function insist(call: () => Promise<void> | null): Promise<boolean> {
    try {
      await call()
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
      disk.giveSpace()
      await call()
      return true
    }
  }

  /** Batches of 5 records of 20,000 bytes, until 4 MiB are there. */
  async function writeAll(wal: WalWriter): Promise<{ records: Buffer[]; refusals: number }> {
    const records: Buffer[] = []
    let refusals = 0
    for (let batch = 0; batch < 40; batch++) {
      for (let i = 0; i < 5; i++) {
        const record = someRecord(20_000, batch * 5 + i)
        records.push(record)
        if (await insist(() => wal.append(record))) refusals++
      }
      if (await insist(() => wal.commit())) refusals++
    }
    await wal.end()
    return { records, refusals }
  }

  it.each(everyStrategy)(
    '%s: what is refused goes through when there is space, and nothing is lost',
    async (strategy) => {
      disk.takeSpace(1024 * 1024)
      const wal = await openWal(log(), { strategy, segmentBytes: 16 * PAGE_BYTES, bufferSize: 65_536 })
      const { records, refusals } = await writeAll(wal)
      expect(refusals).toBe(1)
      const { records: found, outcome } = await readLog(log())
      expectRecords(found, records)
      expect(outcome.torn).toBeNull()
    },
  )

  it('without preallocation a direct writer is no different', async () => {
    disk.takeSpace(1024 * 1024)
    const wal = await openWal(log(), { segmentBytes: 256 * PAGE_BYTES, preallocate: false })
    const { records, refusals } = await writeAll(wal)
    expect(refusals).toBe(1)
    expectRecords((await readLog(log())).records, records)
  })

  it('a checkpoint that finds no space leaves the log as it was', async () => {
    const wal = await openWal(log(), { segmentBytes: 4 * PAGE_BYTES })
    await wal.append(someRecord(50_000))
    await wal.nextSegment()
    await wal.end()
    disk.takeSpace(256 * 1024)
    const large = Array.from({ length: 20 }, (_, i) => someRecord(60_000, i))
    const options = { strategy: 'direct', segmentBytes: 64 * PAGE_BYTES } as const
    const error = await errorFrom(() => writeCheckpoint(log(), 0, large, options))
    expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
    expect(namesIn(log())).toEqual(['00000000', '00000001'])
    disk.giveSpace()
    await writeCheckpoint(log(), 0, large, options)
    expectRecords((await readLog(log())).records, large)
  })
})
