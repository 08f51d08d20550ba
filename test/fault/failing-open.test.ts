import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Binding } from '../../src/binding.ts'
import { someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, CallLog, expectContent, failing, openOver, poolWatch, rejection } from './disk.ts'

const folder = temporaryFolder()

interface Fault {
  faults?: FileFaults
  own?: Partial<Binding>
}

/** What can fail between open(2) and the writer, for a new file. */
const atOpening: [string, Fault][] = [
  ['statx', { faults: { statx: () => Promise.reject(failing('EIO', 'statx')) } }],
  ['fallocate', { faults: { fallocate: () => Promise.reject(failing('ENOSPC', 'fallocate')) } }],
  ['realpath', { own: { realFolder: () => Promise.reject(failing('EACCES', 'realpath')) } }],
]

describe('opening a new file', () => {
  it.each(atOpening)('that fails in %s rejects, closes and removes it', async (syscall, { faults, own }) => {
    const given = poolWatch()
    const log = new CallLog()
    const path = freshPath(folder)
    const options = { path, preallocate: 10 * block, ...(own === undefined ? {} : { own }) }
    const error = await rejection(openOver(folder, log.over(faults), options))
    expect(error).toMatchObject({ syscall })
    expect(existsSync(path)).toBe(false)
    expect(log.count('close')).toBe(1)
    given()
  })

  it.each(atOpening)('that fails in %s tells that error even when the file can’t be removed', async (_, fault) => {
    const own = { ...fault.own, unlink: () => Promise.reject(failing('EPERM', 'unlink')) }
    const error = await rejection(openOver(folder, fault.faults ?? {}, { preallocate: 10 * block, own }))
    expect(error).toMatchObject({ syscall: _ })
  })
})

describe('opening an existing file', () => {
  const old = someBytes(3 * block + 100)

  function existing(): string {
    const path = freshPath(folder)
    writeFileSync(path, old)
    return path
  }

  it('to append, where its last block can’t be read, rejects and leaves it as it is', async () => {
    const path = existing()
    const log = new CallLog()
    const faults = log.over({ pread: () => Promise.reject(failing('EIO', 'preadv2')) })
    const error = await rejection(openOver(folder, faults, { path, flags: 'a' }))
    expect(error).toMatchObject({ code: 'EIO', syscall: 'preadv2' })
    expectContent(path, old)
    expect(log.count('close')).toBe(1)
  })

  it('and preallocating, where its last block can’t be read, leaves it as long as it is', async () => {
    const path = existing()
    const faults: FileFaults = { pread: () => Promise.reject(failing('EIO', 'preadv2')) }
    await rejection(openOver(folder, faults, { path, flags: 'a', preallocate: 10 * block }))
    expectContent(path, old)
  })

  it('and preallocating, where there is too little space, leaves it as long as it is', async () => {
    const path = existing()
    const faults: FileFaults = {
      // ext4 keeps what it could allocate before the disk was full.
      fallocate: async (real, mode, offset) => {
        await real.fallocate(mode, offset, 5 * block)
        throw failing('ENOSPC', 'fallocate')
      },
    }
    const error = await rejection(openOver(folder, faults, { path, flags: 'a', preallocate: 10 * block }))
    expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'fallocate' })
    expectContent(path, old)
  })

  it('that can’t be emptied rejects and does not remove it', async () => {
    const path = existing()
    const faults: FileFaults = { ftruncate: () => Promise.reject(failing('EIO', 'ftruncate')) }
    expect(await rejection(openOver(folder, faults, { path }))).toMatchObject({ syscall: 'ftruncate' })
    expectContent(path, old)
  })

  it('for reset, with another file’s bytes still to be written, leaves that one alone', async () => {
    const path = existing()
    let full = true
    const { writer } = await openOver(folder, {
      pwrite: (real, ...parameters) =>
        full ? Promise.reject(failing('ENOSPC', 'pwritev2')) : real.pwrite(...parameters),
    })
    await writer.write('first')
    await rejection(writer.reset(path))
    expectContent(path, old)
    full = false
    await writer.reset(path)
    await writer.end()
    expectContent(path, Buffer.alloc(0))
  })
})

describe('reset to a file that can’t be prepared', () => {
  it('rejects when it would be new, and the present file goes on', async () => {
    const log = new CallLog()
    let refuses = false
    const { writer, path } = await openOver(
      folder,
      log.over({
        fallocate: (real, ...parameters) =>
          refuses ? Promise.reject(failing('ENOSPC', 'fallocate')) : real.fallocate(...parameters),
      }),
      { preallocate: 10 * block },
    )
    await writer.write(someBytes(777))
    refuses = true
    const next = freshPath(folder)
    expect(await rejection(writer.reset(next))).toMatchObject({ code: 'ENOSPC', syscall: 'fallocate' })
    expect(existsSync(next)).toBe(false)
    expect(log.count('close')).toBe(1)
    refuses = false
    await writer.write('more')
    await writer.reset(next)
    expectContent(path, Buffer.concat([someBytes(777), Buffer.from('more')]))
    await writer.end()
    expect(log.count('close')).toBe(3)
  })

  it('ends the writer with that error when it would be emptied; the first file is whole', async () => {
    const log = new CallLog()
    let refuses = false
    const { writer, path } = await openOver(
      folder,
      log.over({
        ftruncate: (real, ...parameters) =>
          refuses ? Promise.reject(failing('EIO', 'ftruncate')) : real.ftruncate(...parameters),
      }),
    )
    await writer.write(someBytes(block))
    refuses = true
    const next = freshPath(folder)
    writeFileSync(next, 'old')
    const error = await rejection(writer.reset(next))
    expect(error).toMatchObject({ code: 'EIO', syscall: 'ftruncate' })
    expectContent(path, someBytes(block))
    expect(readFileSync(next, 'utf8')).toBe('old')
    expect(await rejection(writer.write('x'))).toBe(error)
    await writer[Symbol.asyncDispose]()
    // One for each file.
    expect(log.count('close')).toBe(2)
  })

  it('whose opening fails goes on with the present file', async () => {
    let refuses = false
    const { writer, path } = await openOver(folder, {
      statx: (real) => (refuses ? Promise.reject(failing('EIO', 'statx')) : real.statx()),
    })
    await writer.write('one ')
    refuses = true
    const next = freshPath(folder)
    expect(await rejection(writer.reset(next))).toMatchObject({ syscall: 'statx' })
    expect(existsSync(next)).toBe(false)
    refuses = false
    await writer.write('two')
    await writer.end()
    expect(readFileSync(path, 'utf8')).toBe('one two')
  })
})

describe('a tail whose block can’t be read back', () => {
  it('fails the flush for good when the disk says EIO, and the file is left alone', async () => {
    const path = freshPath(folder)
    const old = someBytes(10 * block)
    writeFileSync(path, old)
    const faults: FileFaults = { pread: () => Promise.reject(failing('EIO', 'preadv2')) }
    const { writer } = await openOver(folder, faults, { path, flags: 'r+' })
    await writer.write(someBytes(100, 2))
    const error = await rejection(writer.flush())
    expect(error).toMatchObject({ code: 'EIO', syscall: 'preadv2', retryable: false, position: 0 })
    expect(await rejection(writer.end())).toBe(error)
    expectContent(path, old)
  })

  it('fails a patch for good', async () => {
    const faults: FileFaults = { pread: () => Promise.reject(failing('EIO', 'preadv2')) }
    const { writer, path } = await openOver(folder, faults)
    await writer.write(someBytes(10 * block))
    await writer.flush()
    expect(await rejection(writer.writeAt('x', 5))).toMatchObject({ code: 'EIO', retryable: false })
    expectContent(path, someBytes(10 * block))
  })
})

describe('a folder in which opening failed', () => {
  it('holds nothing afterwards', async () => {
    const empty = temporaryFolder()
    for (const [, { faults, own }] of atOpening) {
      const internals = { binding: faultyBinding(faults ?? {}, own) }
      const options = { strategy: 'direct', preallocate: block } as const
      await rejection(openForTest(freshPath(empty), options, internals))
    }
    expect(readdirSync(empty)).toEqual([])
  })
})
