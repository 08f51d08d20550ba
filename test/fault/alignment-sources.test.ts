import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FileStatus, NativeFile } from '../../src/binding.ts'
import { binding } from '../../src/binding.ts'
import { residencyOf } from '../../src/page-cache.ts'
import { someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'
import { CallLog, expectContent, failing, rejection } from './disk.ts'

const folder = temporaryFolder()

/** A kernel whose statx says something else of alignments. */
function saying(change: (status: FileStatus) => void): FileFaults {
  return {
    statx: async (real: NativeFile) => {
      const status = await real.statx()
      change(status)
      return status
    },
  }
}

async function alignmentUnder(faults: FileFaults, bufferSize = 65536) {
  const path = freshPath(folder)
  const writer = await openForTest(path, { strategy: 'direct', bufferSize }, { binding: faultyBinding(faults) })
  expectMode(writer, 'direct')
  await writer.write(someBytes(bufferSize + 777))
  await writer.end()
  expectContent(path, someBytes(bufferSize + 777))
  return writer.alignment
}

const byDefault = { memory: 4096, offset: 4096, readOffset: 4096, source: 'default' }

describe('where statx', () => {
  it.each(['ENOSYS', 'EPERM'])('answers %s, the alignment is 4096 by default', async (code) => {
    expect(await alignmentUnder({ statx: () => Promise.reject(failing(code, 'statx')) })).toEqual(byDefault)
  })

  it('does not say, the alignment is 4096 by default', async () => {
    const faults = saying((status) => {
      delete status.dio
      delete status.dioRead
    })
    expect(await alignmentUnder(faults)).toEqual(byDefault)
  })

  it.each([
    [0, 0],
    [0, 512],
    [512, 0],
    [512, 520],
    [24, 512],
  ])('says %i/%i, direct I/O is refused and the new file removed', async (memory, offset) => {
    const log = new CallLog()
    const faults = log.over(saying((status) => Object.assign(status, { dio: { memory, offset } })))
    const path = freshPath(folder)
    const opening = openForTest(path, { strategy: 'direct' }, { binding: faultyBinding(faults) })
    expect(await rejection(opening)).toMatchObject({ code: 'ERR_DIRECT_UNSUPPORTED' })
    expect(existsSync(path)).toBe(false)
    expect(log.count('close')).toBe(1)
  })

  it('asks for more than the disk, that is what is done', async () => {
    const faults = saying((status) => Object.assign(status, { dio: { memory: 4096, offset: 16384 } }))
    expect(await alignmentUnder(faults)).toMatchObject({ memory: 4096, offset: 16384, source: 'statx' })
  })

  it('asks for larger reads than writes, a block is what can be read', async () => {
    const faults = saying((status) => Object.assign(status, { dio: { memory: 512, offset: 512 }, dioRead: 4096 }))
    expect(await alignmentUnder(faults)).toEqual({
      memory: 512,
      offset: 4096,
      readOffset: 4096,
      source: 'statx',
    })
  })

  it('asks for a block that bufferSize is no multiple of, the error names one that is', async () => {
    const faults = saying((status) => Object.assign(status, { dio: { memory: 512, offset: 16384 } }))
    const error = await rejection(alignmentUnder(faults, 20_000))
    expect(error).toMatchObject({ code: 'ERR_BUFFER_SIZE' })
    expect(error.message).toMatch(/16384 or 32768/)
  })

  it('fails in another way, so does opening', async () => {
    const faults: FileFaults = { statx: () => Promise.reject(failing('EIO', 'statx')) }
    expect(await rejection(alignmentUnder(faults))).toMatchObject({ code: 'EIO', syscall: 'statx' })
  })
})

describe('the residency of a file', () => {
  it.each(['ENOSYS', 'EPERM', 'EOPNOTSUPP'])('comes from mincore where cachestat answers %s', async (code) => {
    const native = faultyBinding({ cachestat: () => Promise.reject(failing(code, 'cachestat')) })
    const path = freshPath(folder)
    const made = await openForTest(path, { strategy: 'buffered' }, {})
    await made.write(someBytes(100_000))
    await made.end()
    const readOnly = 0
    const file = await native.open(path, readOnly, 0)
    const { pageSize } = binding().constants
    const residency = await residencyOf(native, file)
    expect(residency).toMatchObject({ dirtyBytes: null, writebackBytes: null, source: 'mincore' })
    expect(residency.residentBytes % pageSize).toBe(0)
    await file.close()
  })

  it('is asked of mincore by a writer, too', async () => {
    const faults: FileFaults = { cachestat: () => Promise.reject(failing('ENOSYS', 'cachestat')) }
    const writer = await openForTest(
      freshPath(folder),
      { strategy: 'direct', bufferSize: 65536 },
      { binding: faultyBinding(faults) },
    )
    await writer.write(someBytes(65536 * 3))
    await writer.flush()
    expect(await writer.residentBytes()).toBe(0)
    await writer.end()
  })

  it('that cachestat fails to tell otherwise is an error', async () => {
    const faults: FileFaults = { cachestat: () => Promise.reject(failing('EIO', 'cachestat')) }
    const writer = await openForTest(freshPath(folder), {}, { binding: faultyBinding(faults) })
    expect(await rejection(writer.residentBytes())).toMatchObject({ code: 'EIO', syscall: 'cachestat' })
    await writer.end()
  })
})
