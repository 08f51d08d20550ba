import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { binding } from '../../src/binding.ts'
import type { OpenWriterOptions } from '../../src/options.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, CallLog, expectContent, FullDisk, failing, openOver, rejection } from './disk.ts'

const folder = temporaryFolder()

/** The calls that decide what survives a crash, in order, folder syncs among them. */
async function logged(options: OpenWriterOptions & { path?: string } = {}) {
  const log = new CallLog()
  const own = {
    syncFolder: (path: string | Buffer) => {
      log.calls.push({ name: 'syncFolder', parameters: [String(path)] })
      return binding().syncFolder(path)
    },
  }
  const opened = await openOver(folder, log.over(), { ...options, own })
  log.calls.length = 0
  return { ...opened, log }
}

const durable = new Set(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close'])

function sequence(log: CallLog): string[] {
  return log.names.filter((name) => durable.has(name))
}

describe('end', () => {
  it('writes the padded tail, cuts it, syncs data, then the folder, then closes', async () => {
    const { writer, log, path } = await logged()
    await writer.write(someBytes(100))
    await writer.end()
    expect(sequence(log)).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close'])
    const parametersOf = (name: string) => log.calls.find((call) => call.name === name)?.parameters
    expect(parametersOf('pwrite')?.slice(1, 4)).toEqual([0, block, 0])
    expect(parametersOf('ftruncate')).toEqual([100])
    expect(parametersOf('syncFolder')).toEqual([dirname(path)])
    expectContent(path, someBytes(100))
  })

  it('needs no cut where the last byte ends a block', async () => {
    const { writer, log } = await logged()
    await writer.write(someBytes(block))
    await writer.end()
    expect(sequence(log)).toEqual(['pwrite', 'fdatasync', 'syncFolder', 'close'])
  })

  it.each(['w', 'a', 'r+'] as const)('does not sync the folder of a file that was there before: %s', async (flags) => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(50))
    const { writer, log } = await logged({ path, flags })
    await writer.write(someBytes(100, 2))
    await writer.end()
    expect(sequence(log)).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'close'])
  })

  it('cuts what was preallocated and not used before it syncs', async () => {
    const { writer, log, path } = await logged({ preallocate: 100 * block })
    await writer.write(someBytes(2 * block))
    await writer.end()
    expect(sequence(log)).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close'])
    expectContent(path, someBytes(2 * block))
  })

  it('of an empty file syncs it and its name', async () => {
    const { writer, log } = await logged()
    expect(await writer.end()).toBe(0)
    expect(sequence(log)).toEqual(['fdatasync', 'syncFolder', 'close'])
  })

  it('twice does nothing twice', async () => {
    const { writer, log } = await logged()
    await writer.write(someBytes(100))
    expect(await Promise.all([writer.end(), writer.end()])).toEqual([100, 100])
    expect(await writer.end()).toBe(100)
    expect(writer.endSync()).toBe(100)
    expect(sequence(log)).toHaveLength(5)
  })

  it('syncs before the file of a reset is closed and the next one is written', async () => {
    const { writer, log } = await logged()
    await writer.write(someBytes(100))
    await writer.reset(freshPath(folder))
    await writer.write(someBytes(100))
    await writer.end()
    const once = ['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close']
    expect(sequence(log)).toEqual([...once, ...once])
  })
})

describe('fdatasync', () => {
  it('never comes while padding is in the file', async () => {
    const { writer, log } = await logged({ queueDepth: 3 })
    for (let i = 1; i < 60; i++) {
      await writer.write(someBytes(i * 171, i))
      if (i % 3 === 0) await writer.sync()
      if (i % 5 === 0) await writer.flush()
      if (i % 7 === 0) await writer.writeAt('patch', i)
    }
    await writer.end()
    let longest = 0
    let accepted = 0
    for (let i = 1; i < 60; i++) accepted += i * 171
    for (const { name, parameters } of log.calls) {
      if (name === 'pwrite') longest = Math.max(longest, (parameters[2] as number) + (parameters[3] as number))
      if (name === 'ftruncate') longest = parameters[0] as number
      // The file may be longer than a sync's position when writing went on; never longer than what was accepted.
      if (name === 'fdatasync') expect(longest).toBeLessThanOrEqual(accepted)
    }
    expect(longest).toBe(accepted)
  })

  it('of sync comes after the cut of its flush', async () => {
    const { writer, log } = await logged()
    await writer.write(someBytes(100))
    await writer.sync()
    expect(sequence(log).slice(0, 3)).toEqual(['pwrite', 'ftruncate', 'fdatasync'])
    await writer.end()
  })

  it('never comes after a cut that failed', async () => {
    const log = new CallLog()
    const { writer } = await openOver(
      folder,
      log.over({ ftruncate: () => Promise.reject(failing('EIO', 'ftruncate')) }),
    )
    await writer.write(someBytes(100))
    await rejection(writer.end())
    expect(log.count('fdatasync')).toBe(0)
  })

  it('never comes after a write that failed', async () => {
    const log = new CallLog()
    const disk = new FullDisk(0)
    const { writer } = await openOver(folder, log.over(disk.faults))
    await writer.write(someBytes(100))
    await rejection(writer.sync())
    await rejection(writer.end())
    expect(log.count('fdatasync')).toBe(0)
    disk.makeSpace()
    await writer.end()
    expect(log.count('fdatasync')).toBe(1)
  })
})
