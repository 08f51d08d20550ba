import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategyInEffect } from '../support/mode.ts'
import { block, CallLog, expectContent, failing, openOver, poolWatch, quiet, rejection, soon } from './disk.ts'

const folder = temporaryFolder()

/** The first `failures` calls of fdatasync fail, later ones would succeed. */
function failingSyncs(code: string, failures = 1): FileFaults {
  let calls = 0
  return {
    fdatasync: (real) => (calls++ < failures ? Promise.reject(failing(code, 'fdatasync')) : real.fdatasync()),
  }
}

describe.each(['EIO', 'ENOSPC', 'EDQUOT', 'EAGAIN'])('a failed fdatasync (%s)', (code) => {
  it('in sync is final and never tried again', async () => {
    const given = poolWatch()
    const log = new CallLog()
    const { writer, path } = await openOver(folder, log.over(failingSyncs(code)))
    const content = someBytes(block + 5)
    await writer.write(content)
    const error = await rejection(writer.sync())
    expect(error).toMatchObject({
      code,
      syscall: 'fdatasync',
      retryable: false,
      acceptedBytes: block + 5,
      writtenBytes: block + 5,
      syncedBytes: 0,
    })
    expect(await rejection(writer.sync())).toBe(error)
    expect(await rejection(writer.end())).toBe(error)
    expect(await rejection(writer.write('x'))).toBe(error)
    await writer[Symbol.asyncDispose]()
    expect(log.count('fdatasync')).toBe(1)
    expect(log.count('close')).toBe(1)
    expect(writer.syncedBytes).toBe(0)
    expectContent(path, content)
    given()
  })

  it('in end is final and never tried again', async () => {
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over(failingSyncs(code)))
    await writer.write('x')
    const error = await rejection(writer.end())
    expect(error).toMatchObject({ code, retryable: false, syncedBytes: 0 })
    expect(await rejection(writer.end())).toBe(error)
    expect(log.count('fdatasync')).toBe(1)
    expect(log.count('close')).toBe(1)
  })

  it('in reset is final and never tried again', async () => {
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over(failingSyncs(code)))
    await writer.write('x')
    const error = await rejection(writer.reset(freshPath(folder)))
    expect(error).toMatchObject({ code, retryable: false, syncedBytes: 0 })
    await writer[Symbol.asyncDispose]()
    expect(await rejection(writer.reset(freshPath(folder)))).toBe(error)
    expect(log.count('fdatasync')).toBe(1)
  })

  it('of the folder is final and never tried again', async () => {
    let calls = 0
    const own = {
      syncFolder: () => {
        calls++
        return Promise.reject(failing(code, 'fsync'))
      },
    }
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over(), { own })
    await writer.write('x')
    const error = await rejection(writer.end())
    expect(error).toMatchObject({ code, syscall: 'fsync', retryable: false })
    expect(await rejection(writer.end())).toBe(error)
    expect(calls).toBe(1)
    expect(log.count('close')).toBe(1)
  })

  it('of a range, under evict, is final: nobody knows what the kernel dropped', async () => {
    let calls = 0
    const faults: FileFaults = {
      // FORCEDIRECTIO makes this writer direct, which never syncs a range: there fdatasync stands for it.
      syncFileRange: () => {
        calls++
        return Promise.reject(failing(code, 'sync_file_range'))
      },
      fdatasync: () => {
        calls++
        return Promise.reject(failing(code, 'fdatasync'))
      },
    }
    const { writer } = await openOver(folder, faults, { strategy: 'evict' })
    await writer.write('x')
    const error = await rejection(writer.end())
    const syscall = strategyInEffect('evict') === 'evict' ? 'sync_file_range' : 'fdatasync'
    expect(error).toMatchObject({ code, syscall, retryable: false, syncedBytes: 0 })
    expect(await rejection(writer.end())).toBe(error)
    expect(calls).toBe(1)
  })
})

/** fdatasync calls that the test settles. */
function heldSyncs(): { faults: FileFaults; held: { resolve(): void; reject(error: Error): void }[] } {
  const held: { resolve(): void; reject(error: Error): void }[] = []
  const faults: FileFaults = {
    fdatasync: () => new Promise<void>((resolve, reject) => held.push({ resolve, reject })),
  }
  return { faults, held }
}

async function untilHeld(held: readonly unknown[], count: number): Promise<void> {
  while (held.length < count) await quiet()
}

describe('a sync under way that fails', () => {
  it('while end waits for it is not followed by another one', async () => {
    const { faults, held } = heldSyncs()
    const { writer } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    const synced = rejection(writer.sync())
    await soon(untilHeld(held, 1), 'the sync')
    const ended = rejection(writer.end())
    await quiet()
    held[0]?.reject(failing('EIO', 'fdatasync'))
    await quiet()
    for (const sync of held.slice(1)) sync.resolve()
    const error = await synced
    expect(await ended).toBe(error)
    expect(held.length).toBe(1)
    expect(writer.syncedBytes).toBe(0)
  })

  it('is not made up for by another one that was under way, too: the kernel tells a failure only once', async () => {
    const { faults, held } = heldSyncs()
    const { writer } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    const first = rejection(writer.sync(), 'the sync that failed')
    await soon(untilHeld(held, 1), 'the first sync')
    await writer.write(someBytes(100))
    const second = rejection(writer.sync(), 'the sync that was under way')
    await soon(untilHeld(held, 2), 'the second sync')
    held[0]?.reject(failing('EIO', 'fdatasync'))
    await quiet()
    held[1]?.resolve()
    expect(await second).toBe(await first)
    expect(writer.syncedBytes).toBe(0)
  })

  it('lets writing go on until it is known', async () => {
    const { faults, held } = heldSyncs()
    const { writer, path } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    const synced = writer.sync()
    await soon(untilHeld(held, 1), 'the sync')
    await soon(writer.write(someBytes(20 * block, 2)), 'write')
    expect(writer.syncedBytes).toBe(0)
    held[0]?.resolve()
    await synced
    expect(writer.syncedBytes).toBe(100)
    const ending = writer.end()
    await soon(untilHeld(held, 2), 'the last sync')
    held[1]?.resolve()
    await ending
    expectContent(path, Buffer.concat([someBytes(100), someBytes(20 * block, 2)]))
  })
})
