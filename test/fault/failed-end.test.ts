import { readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import {
  block,
  expectContent,
  FullDisk,
  failing,
  HeldWrites,
  isPending,
  onFullDisk,
  openOver,
  rejection,
  soon,
} from './disk.ts'

const folder = temporaryFolder()

describe('a failed end', () => {
  it('leaves an exact prefix: no hole, no padding, no byte behind a gap', async () => {
    const { writer, path, content } = await onFullDisk(folder)
    const error = await rejection(writer.end())
    expect(statSync(path).size).toBe(error.writtenBytes)
    expectContent(path, content.subarray(0, 2 * block))
    writer.fail()
  })

  it('cuts what landed behind a gap, and the next try writes it again', async () => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 4 })
    const content = someBytes(13 * block + 9)
    writer.writeSync(content)
    const ending = writer.end()
    ending.catch(() => undefined)
    const [a, b, c, tail] = await writes.first(4)
    await tail?.land()
    await c?.land()
    await a?.land()
    expect(await isPending(ending)).toBe(true)
    b?.fail(failing('ENOSPC', 'pwritev2'))
    expect(await rejection(ending)).toMatchObject({ code: 'ENOSPC', position: 4 * block })
    expectContent(path, content.subarray(0, 4 * block))
    writes.letAllThrough()
    expect(await soon(writer.end(), 'end')).toBe(content.byteLength)
    expectContent(path, content)
  })

  it('keeps bytes of the last block that an earlier flush had brought there', async () => {
    const disk = new FullDisk(Infinity)
    const { writer, path } = await openOver(folder, disk.faults)
    const content = someBytes(block + 900)
    await writer.write(content)
    await writer.sync()
    const more = someBytes(9, 2)
    await writer.write(more)
    disk.limitBytes = 0
    const error = await rejection(writer.end())
    expect(error).toMatchObject({
      writtenBytes: block + 900,
      syncedBytes: block + 900,
      position: block + 900,
    })
    expectContent(path, content)
    disk.makeSpace()
    expect(await writer.end()).toBe(block + 909)
    expectContent(path, Buffer.concat([content, more]))
  })

  it('after a taken-back write keeps what a flush had brought to the file', async () => {
    const disk = new FullDisk(Infinity)
    let cutFails = false
    const { writer, path } = await openOver(folder, {
      ...disk.faults,
      ftruncate: (real, length) => {
        if (!cutFails) return real.ftruncate(length)
        cutFails = false
        return Promise.reject(failing('ENOSPC', 'ftruncate'))
      },
    })
    const content = someBytes(block + 900)
    await writer.write(content)
    await writer.flush()
    disk.limitBytes = 2 * block
    await rejection(writer.write(someBytes(20 * block, 3)))
    expect(writer.writtenBytes).toBe(block + 900)
    disk.makeSpace()
    cutFails = true
    await rejection(writer.end())
    expectContent(path, content)
    expect(await writer.end()).toBe(content.byteLength)
    expectContent(path, content)
    expect(writer.writtenBytes).toBe(content.byteLength)
    expect(writer.syncedBytes).toBe(content.byteLength)
  })

  it('can be followed by more writes, a flush and the end', async () => {
    const { disk, writer, path, content } = await onFullDisk(folder)
    await rejection(writer.end())
    disk.makeSpace()
    const more = someBytes(3 * block, 2)
    await soon(writer.write(more), 'write')
    await writer.flush()
    expectContent(path, Buffer.concat([content, more]))
    await writer.end()
    expectContent(path, Buffer.concat([content, more]))
  })

  it('undoes what was preallocated, and the next try still has the exact length', async () => {
    const disk = new FullDisk(2 * block)
    const { writer, path } = await openOver(folder, disk.faults, { preallocate: 100 * block })
    expect(statSync(path).size).toBe(100 * block)
    const content = someBytes(3 * block)
    await writer.write(content)
    await rejection(writer.end())
    expect(readFileSync(path).equals(content.subarray(0, 2 * block))).toBe(true)
    disk.makeSpace()
    await writer.end()
    expectContent(path, content)
  })
})
