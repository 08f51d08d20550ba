import { closeSync, fstatSync, readFileSync, readSync, writeSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { someBytes } from '../support/bytes.ts'
import { caught, opened, readWrite } from './opened.ts'

const native = binding()

type Pipe = ReturnType<typeof native.makePipe>

let from: Pipe
let to: Pipe
/** A number that was closed may be somebody else's by now. */
const open = new Set<number>()

beforeEach(() => {
  from = native.makePipe()
  to = native.makePipe()
  for (const end of [from, to].flatMap(({ readEnd, writeEnd }) => [readEnd, writeEnd])) open.add(end)
})
afterEach(() => {
  for (const end of open) close(end)
})

function close(end: number): void {
  closeSync(end)
  open.delete(end)
}

function read(pipe: Pipe, byteLength: number): Buffer {
  const memory = Buffer.alloc(byteLength)
  return memory.subarray(0, readSync(pipe.readEnd, memory))
}

/** As fdinfo shows it. */
const closeOnExec = 0o2000000

function openFlags(descriptor: number): number {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
  return Number.parseInt(flags ?? '', 8)
}

test('makePipe makes a pipe whose ends no child inherits', () => {
  expect(fstatSync(from.readEnd).isFIFO()).toBe(true)
  for (const end of Object.values(from)) expect(openFlags(end) & closeOnExec).toBe(closeOnExec)
  writeSync(from.writeEnd, 'twelve bytes')
  expect(read(from, 100).toString()).toBe('twelve bytes')
})

test('setPipeSize makes a pipe larger, and only a pipe', async () => {
  expect(native.setPipeSize(from.readEnd, 1024 * 1024)).toBe(1024 * 1024)
  await opened(readWrite, async (file) => {
    expect(caught(() => native.setPipeSize(file.descriptor(), 4096))).toMatchObject({ code: 'EBADF', syscall: 'fcntl' })
  })
})

test('splicePipe moves what is in a pipe to another one, in order, and not more than asked for', () => {
  const content = someBytes(20_000)
  for (let at = 0; at < content.length; at += 777) writeSync(from.writeEnd, content.subarray(at, at + 777))
  expect(native.splicePipe(from.readEnd, to.writeEnd, 5000)).toBe(5000)
  expect(native.splicePipe(from.readEnd, to.writeEnd, 1_000_000)).toBe(15_000)
  expect(read(to, 30_000).equals(content)).toBe(true)
})

test('splicePipe tells the end from nothing, and waits for neither', () => {
  expect(native.splicePipe(from.readEnd, to.writeEnd, 100)).toBe(-1)
  writeSync(from.writeEnd, 'the last')
  close(from.writeEnd)
  expect(native.splicePipe(from.readEnd, to.writeEnd, 100)).toBe(8)
  expect(native.splicePipe(from.readEnd, to.writeEnd, 100)).toBe(0)
})

test('splicePipe does not wait for room', () => {
  native.setPipeSize(to.writeEnd, 4096)
  writeSync(to.writeEnd, Buffer.alloc(4096))
  writeSync(from.writeEnd, 'no room')
  expect(native.splicePipe(from.readEnd, to.writeEnd, 100)).toBe(-1)
  expect(read(from, 100).toString()).toBe('no room')
})

test('splicePipe refuses what is closed, and two files', async () => {
  close(from.readEnd)
  expect(caught(() => native.splicePipe(from.readEnd, to.writeEnd, 100))).toMatchObject({
    code: 'EBADF',
    syscall: 'splice',
  })
  await opened(readWrite, async (a) => {
    await opened(readWrite, async (b) => {
      const splice = (): number => native.splicePipe(a.descriptor(), b.descriptor(), 100)
      expect(caught(splice)).toMatchObject({ code: 'EINVAL', syscall: 'splice' })
    })
  })
})

test('waitReadable resolves when something comes, when the end does, and when the time is over', async () => {
  expect(await native.waitReadable(from.readEnd, 1)).toBe(false)
  const waited = native.waitReadable(from.readEnd, 60_000)
  writeSync(from.writeEnd, 'x')
  expect(await waited).toBe(true)
  expect(read(from, 1).toString()).toBe('x')
  close(from.writeEnd)
  expect(await native.waitReadable(from.readEnd, 60_000)).toBe(true)
})
