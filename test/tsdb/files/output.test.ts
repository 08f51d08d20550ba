import { statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openOutput, put } from '../../../bench/tsdb/files/output.ts'
import { alignedBytes, someBytes } from '../../support/bytes.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { codeFrom, everyStrategy, expectFile } from '../../writer/tools.ts'

const folder = temporaryFolder()

describe.each(everyStrategy)('an output that is written %s', (strategy) => {
  it('takes small pieces at once, and large ones when they are awaited', async () => {
    const path = freshPath(folder)
    const writer = await openOutput(path, strategy)
    expect(writer.mode).toMatchObject({ asked: strategy, inEffect: strategyInEffect(strategy) })
    const small = someBytes(777, 1)
    // More than all buffers hold.
    const large = alignedBytes(9 * 1024 * 1024 + 5, 2)
    expect(put(writer, small)).toBeNull()
    const wait = put(writer, large)
    expect(wait).toBeInstanceOf(Promise)
    await wait
    expect(await writer.end()).toBe(small.length + large.length)
    expectFile(path, Buffer.concat([small, large]))
  })

  it('is allocated ahead, and cut to what was written', async () => {
    const path = freshPath(folder)
    const writer = await openOutput(path, strategy, 1_000_000)
    expect(statSync(path).size).toBeGreaterThanOrEqual(1_000_000)
    await put(writer, someBytes(333))
    await writer.end()
    expectFile(path, someBytes(333))
  })

  it('keeps nothing of what a crash has left under its name', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(100_000))
    const writer = await openOutput(path, strategy)
    await put(writer, someBytes(5))
    await writer.end()
    expectFile(path, someBytes(5))
  })

  it('is not made where there is no folder', async () => {
    expect(await codeFrom(() => openOutput(`${folder}/missing/file`, strategy))).toBe('ENOENT')
  })
})
