import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openWriter } from 'uncached-io'
import { afterAll, describe, expect, it } from 'vitest'
import { PlainCopyCase, ReserveCase, WriteSyncCase, WritevSyncCase } from '../../bench/micro/cases.ts'
import { packageFolder } from '../../bench/package.ts'
import { makeRecords, RECORD_BYTES } from '../../bench/workloads/small-records.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const RECORDS_PER_BATCH = 50
/** Three batches go round the 61 different records more than twice. */
const BATCHES = 3

const ring = makeRecords()
const expected = Buffer.concat([ring, ring, ring]).subarray(0, BATCHES * RECORDS_PER_BATCH * RECORD_BYTES)

describe('the cases of bench:micro', () => {
  it.each([WriteSyncCase, WritevSyncCase, ReserveCase])('$name writes the records it is timed for', async (Case) => {
    const path = join(folder, Case.name)
    const writer = await openWriter(path, { strategy: 'direct', policy: 'prefer' })
    const copyCase = new Case(writer, RECORDS_PER_BATCH)
    for (let batch = 0; batch < BATCHES; batch++) {
      copyCase.copyBatch()
      await copyCase.makeRoom()
    }
    expect(await writer.end()).toBe(expected.length)
    expect(readFileSync(path).equals(expected)).toBe(true)
  })

  it('PlainCopyCase copies the same bytes', () => {
    const target = Buffer.alloc(expected.length)
    const batchBytes = RECORDS_PER_BATCH * RECORD_BYTES
    const copyCase = new PlainCopyCase(target.subarray(0, batchBytes), RECORDS_PER_BATCH)
    copyCase.copyBatch()
    expect(target.subarray(0, batchBytes).equals(expected.subarray(0, batchBytes))).toBe(true)
  })

  it('refuse to time more than copying', async () => {
    const writer = await openWriter(join(folder, 'full'), {
      strategy: 'direct',
      policy: 'prefer',
      bufferSize: 65536,
      queueDepth: 1,
    })
    expect(() => new WriteSyncCase(writer, 10_000).copyBatch()).toThrow('the buffer was full')
    await writer.end()
  })
})
