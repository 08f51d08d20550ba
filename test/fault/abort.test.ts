import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, CallLog, expectContent, HeldWrites, openOver, poolWatch, quiet, rejection, soon } from './disk.ts'

const folder = temporaryFolder()
const buffer = 4 * block

describe('an AbortSignal', () => {
  it('aborted in the midst is fail with its reason', async () => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const log = new CallLog()
    const controller = new AbortController()
    const { writer, path } = await openOver(folder, log.over(writes.faults), { signal: controller.signal })
    const content = someBytes(buffer + 10)
    expect(writer.writeSync(content)).toBe(true)
    const flushed = rejection(writer.flush())
    const held = await writes.first(2)
    controller.abort()
    await quiet()
    for (const write of held) await write.land()
    expect(await flushed).toBe(controller.signal.reason)
    expect(await rejection(writer.end())).toMatchObject({ name: 'AbortError' })
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(log.count('close')).toBe(1)
    expectContent(path, content.subarray(0, writer.writtenBytes))
    given()
  })

  it('aborted with something that is no error is told as the cause', async () => {
    const controller = new AbortController()
    const { writer } = await openOver(folder, {}, { signal: controller.signal })
    controller.abort('because')
    expect(await rejection(writer.flush())).toMatchObject({ code: 'ERR_WRITER_FAILED', cause: 'because' })
    await writer[Symbol.asyncDispose]()
  })

  it('aborted while the file is opened rejects, closes and removes it', async () => {
    const controller = new AbortController()
    const log = new CallLog()
    const path = freshPath(folder)
    const faults = log.over({
      fallocate: async (real, ...parameters) => {
        controller.abort()
        await real.fallocate(...parameters)
      },
    })
    const options = { path, preallocate: block, signal: controller.signal }
    expect(await rejection(openOver(folder, faults, options))).toMatchObject({ name: 'AbortError' })
    expect(existsSync(path)).toBe(false)
    expect(log.count('close')).toBe(1)
  })

  it('aborted after end does nothing', async () => {
    const controller = new AbortController()
    const { writer } = await openOver(folder, {}, { signal: controller.signal })
    await writer.write('kept')
    await writer.end()
    controller.abort()
    expect(await writer.end()).toBe(4)
  })
})
