import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Writer } from '../../src/writer.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, expectContent, FullDisk, onFullDisk, openOver, poolWatch, rejection, soon } from './disk.ts'

const folder = temporaryFolder()

const told = { retryable: true, position: 2 * block, acceptedBytes: 5 * block + 123, syncedBytes: 0 }

describe.each(['ENOSPC', 'EDQUOT', 'EAGAIN'])('on a disk that is full (%s)', (code) => {
  it.each([
    ['flush', (writer: Writer) => writer.flush()],
    ['sync', (writer: Writer) => writer.sync()],
    ['end', (writer: Writer) => writer.end()],
  ])('%s rejects again and again, loses nothing, and succeeds once there is room', async (_, call) => {
    const given = poolWatch()
    const { disk, writer, path, content } = await onFullDisk(folder, code)
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await rejection(call(writer))).toMatchObject({ ...told, code, writtenBytes: 2 * block })
      expect(writer.acceptedBytes).toBe(content.byteLength)
      expect(writer.writtenBytes).toBe(2 * block)
    }
    disk.makeSpace()
    await soon<unknown>(call(writer), 'the call that has room')
    expectContent(path, content)
    await writer.end()
    expectContent(path, content)
    given()
  })

  it('writev takes all or nothing', async () => {
    const { disk, writer, path, content } = await onFullDisk(folder, code)
    const chunks = [someBytes(10, 2), someBytes(20 * block, 3), someBytes(block, 4)]
    expect(await rejection(writer.writev(chunks))).toMatchObject({ retryable: true, code })
    expect(writer.acceptedBytes).toBe(content.byteLength)
    disk.makeSpace()
    await soon(writer.writev(chunks), 'writev')
    await writer.end()
    expectContent(path, Buffer.concat([content, ...chunks]))
  })

  it('drain rejects, and resolves once there is room', async () => {
    const disk = new FullDisk(0, code)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 2 })
    const content = someBytes(block)
    const accepted: Buffer[] = []
    while (writer.writeSync(content)) accepted.push(content)
    expect(await rejection(writer.drain())).toMatchObject({ retryable: true, code })
    expect(writer.writeSync(content)).toBe(false)
    disk.makeSpace()
    await soon(writer.drain(), 'drain')
    expect(writer.writeSync(content)).toBe(true)
    await writer.end()
    expectContent(path, Buffer.concat([...accepted, content]))
  })

  it('writeAt rejects for bytes under way, and succeeds once there is room', async () => {
    const { disk, writer, path, content } = await onFullDisk(folder, code)
    const patch = someBytes(2 * block, 7)
    expect(await rejection(writer.writeAt(patch, 100))).toMatchObject({ retryable: true, code })
    disk.makeSpace()
    await soon(writer.writeAt(patch, 100), 'writeAt')
    patch.copy(content, 100)
    await writer.end()
    expectContent(path, content)
  })

  it('writeAt in the file rejects, and succeeds once there is room', async () => {
    const disk = new FullDisk(Infinity, code)
    const { writer, path } = await openOver(folder, disk.faults)
    const content = someBytes(9 * block + 5)
    await writer.write(content)
    await writer.flush()
    disk.limitBytes = block
    const patch = someBytes(8 * block, 7)
    const error = await rejection(writer.writeAt(patch, 100))
    expect(error).toMatchObject({ code, retryable: true, writtenBytes: content.byteLength })
    expect(writer.writeSync('x')).toBe(false)
    disk.makeSpace()
    await soon(writer.writeAt(patch, 100), 'writeAt')
    patch.copy(content, 100)
    expect(await writer.end()).toBe(content.byteLength)
    expectContent(path, content)
  })

  it('reset keeps the present file going, leaves no new one, and succeeds once there is room', async () => {
    const { disk, writer, path, content } = await onFullDisk(folder, code)
    const next = freshPath(folder)
    expect(await rejection(writer.reset(next))).toMatchObject({ ...told, code })
    expect(writer.path).toBe(path)
    expect(existsSync(next)).toBe(false)
    expect(writer.acceptedBytes).toBe(content.byteLength)
    disk.makeSpace()
    expect(await soon(writer.reset(next), 'reset')).toBe(content.byteLength)
    expect(writer.path).toBe(next)
    expectContent(path, content)
    await writer.write(content)
    await writer.end()
    expectContent(next, content)
  })
})
