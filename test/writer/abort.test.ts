import { getEventListeners } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { DirectIOWriter, openWriter } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { errorFrom, everyStrategy, expectFile, gatedBinding, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

describe.each(everyStrategy)('a signal under %s', (strategy) => {
  it('aborted before opening leaves no file behind', async () => {
    const path = freshPath(folder)
    const reason = new Error('never')
    const opening = () => openWriter(path, { strategy, signal: AbortSignal.abort(reason) })
    expect(await errorFrom(opening)).toBe(reason)
    expect(existsSync(path)).toBe(false)
  })

  it('aborted while opening leaves no file behind', async () => {
    const path = freshPath(folder)
    const controller = new AbortController()
    const opening = openWriter(path, { strategy, signal: controller.signal })
    controller.abort()
    expect(await errorFrom(() => opening)).toMatchObject({ name: 'AbortError' })
    expect(existsSync(path)).toBe(false)
  })

  it('aborted while opening leaves a file that was there as it was', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'precious')
    const controller = new AbortController()
    const opening = openWriter(path, { strategy, signal: controller.signal })
    controller.abort()
    expect(await errorFrom(() => opening)).toMatchObject({ name: 'AbortError' })
    expectFile(path, Buffer.from('precious'))
  })

  it('aborted later fails the writer, which keeps what was written', async () => {
    const path = freshPath(folder)
    const controller = new AbortController()
    const writer = await openSmall(path, strategy, { signal: controller.signal })
    await writer.write(someBytes(1000))
    await writer.flush()
    await writer.write(someBytes(10))
    const reason = new Error('enough')
    controller.abort(reason)
    expect(writer.writeSync('x')).toBe(false)
    expect(await errorFrom(() => writer.write('x'))).toBe(reason)
    expect(await errorFrom(() => writer.end())).toBe(reason)
    await writer[Symbol.asyncDispose]()
    expect(writer.droppedBytes).toBe(10)
    expectFile(path, someBytes(1000))
  })
})

describe('the signal of a writer', () => {
  it('rejects calls under way', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const controller = new AbortController()
    const options = { queueDepth: 1, signal: controller.signal }
    const writer = await openSmall(path, 'direct', options, { binding: native })
    const bytes = someBytes(5 * smallBuffer)
    const calls = [writer.write(bytes), writer.end()].map(async (call) => await errorFrom(() => call))
    await setTimeout(5)
    controller.abort()
    open()
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ name: 'AbortError' })
    await writer[Symbol.asyncDispose]()
    expectFile(path, bytes.subarray(0, writer.writtenBytes))
  })

  it('does nothing after end', async () => {
    const path = freshPath(folder)
    const controller = new AbortController()
    const writer = await DirectIOWriter.open(path, { signal: controller.signal })
    expect(writer.mode.inEffect).toBe('direct')
    await writer.write('x')
    await writer.end()
    controller.abort()
    expect(writer.endSync()).toBe(1)
    expect(await writer.end()).toBe(1)
    expectFile(path, Buffer.from('x'))
  })

  it('keeps its effect on the next file after reset', async () => {
    const controller = new AbortController()
    const writer = await openSmall(freshPath(folder), 'direct', { signal: controller.signal })
    const next = freshPath(folder)
    await writer.reset(next)
    await writer.write('x')
    controller.abort()
    expect(await errorFrom(() => writer.flush())).toMatchObject({ name: 'AbortError' })
    await writer[Symbol.asyncDispose]()
    expectFile(next, Buffer.alloc(0))
  })

  it('with a reason that is no error becomes its cause', async () => {
    const controller = new AbortController()
    const writer = await openSmall(freshPath(folder), 'direct', { signal: controller.signal })
    controller.abort('why')
    expect(await errorFrom(() => writer.flush())).toMatchObject({ code: 'ERR_WRITER_FAILED', cause: 'why' })
    await writer[Symbol.asyncDispose]()
  })

  it('is let go of when the writer is done', async () => {
    const { signal } = new AbortController()
    const ended = await openSmall(freshPath(folder), 'direct', { signal })
    const failed = await openSmall(freshPath(folder), 'direct', { signal })
    await ended.end()
    failed.fail()
    await openSmall(freshPath(folder), 'direct', { signal, preallocate: 2 ** 52 }).catch(() => undefined)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('the signal of a call', () => {
  it('that was aborted before refuses the chunk and nothing else', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const signal = AbortSignal.abort()
    expect(await errorFrom(() => writer.write('no', { signal }))).toMatchObject({ name: 'AbortError' })
    expect(await errorFrom(() => writer.writev(['no'], { signal }))).toMatchObject({ name: 'AbortError' })
    await writer.write('yes', { signal: new AbortController().signal })
    await writer.end()
    expectFile(path, Buffer.from('yes'))
  })
})
