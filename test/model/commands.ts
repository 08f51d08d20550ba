import { fc } from '@fast-check/vitest'
import { expect } from 'vitest'
import { content, type Subject } from './subject.ts'

/** One call, or a few that belong together. */
interface Command {
  readonly text: string
  run(subject: Subject): Promise<void>
}

/** A file starts anew beyond this, so that looking at its content stays cheap. */
const fileBytesMax = 1_500_000

/** How many calls were made, in all. */
export const made = { operations: 0 }

function command(text: string, run: (subject: Subject) => Promise<void>): fc.AsyncCommand<object, Subject> {
  const one: Command = { text, run }
  return {
    check: () => true,
    run: async (_, subject) => {
      made.operations++
      await one.run(subject)
    },
    toString: () => one.text,
  }
}

/** Sizes as callers have them, and those next to blocks and buffers. */
const anySize = (bufferSize: number) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.nat(200) },
    { weight: 2, arbitrary: fc.nat(5000) },
    { weight: 1, arbitrary: fc.nat(3 * bufferSize) },
    { weight: 1, arbitrary: fc.constantFrom(bufferSize - 1, bufferSize, bufferSize + 1, 511, 512, 4096) },
  )

/** Every command of one configuration. */
export function commandsFor(bufferSize: number): fc.Arbitrary<fc.AsyncCommand<object, Subject>>[] {
  const size = anySize(bufferSize)
  const number = fc.nat(10_000)
  return [
    fc.tuple(size, number).map(([bytes, n]) => command(`write(${bytes})`, (subject) => write(subject, bytes, n))),
    fc
      .tuple(size, number)
      .map(([bytes, n]) => command(`writeSync(${bytes})`, (subject) => writeSync(subject, bytes, n))),
    fc
      .tuple(fc.array(size, { maxLength: 4 }), number)
      .map(([sizes, n]) => command(`writev(${sizes.join(', ')})`, (subject) => writev(subject, sizes, n))),
    fc
      .tuple(size, number, fc.nat(3))
      .map(([bytes, n, more]) =>
        command(`${more + 1} x write(${bytes}), not awaited`, (subject) => loosely(subject, bytes, n, more + 1)),
      ),
    fc
      .tuple(size, number, fc.nat(1000))
      .map(([bytes, n, share]) =>
        command(`reserve(${bytes}), commit ${share} per mille`, (subject) => reserve(subject, bytes, share, n)),
      ),
    fc
      .tuple(fc.nat(1000), size, number)
      .map(([where, bytes, n]) =>
        command(`writeAt(${bytes} bytes at ${where} per mille)`, (subject) => patch(subject, where, bytes, n)),
      ),
    fc.constant(command('flush()', flush)),
    fc.constant(command('sync()', sync)),
    fc.constant(command('settle', (subject) => subject.settle())),
    fc
      .option(size)
      .map((bytes) => command(`reset(a file of ${bytes ?? 'no'} bytes)`, (subject) => reset(subject, bytes))),
    fc
      .tuple(fc.constantFrom('a' as const, 'r+' as const), fc.nat(1000))
      .map(([flags, where]) =>
        command(`end(), open('${flags}' at ${where} per mille)`, (subject) => reopen(subject, flags, where)),
      ),
  ]
}

async function write(subject: Subject, byteLength: number, number: number): Promise<void> {
  await subject.settle()
  const bytes = content(byteLength, number)
  if (await subject.call(() => subject.writer.write(bytes))) subject.model.append(bytes)
  subject.expectPosition()
  await startAnew(subject)
}

async function writeSync(subject: Subject, byteLength: number, number: number): Promise<void> {
  await subject.settle()
  const bytes = content(byteLength, number)
  const before = subject.writer.acceptedBytes
  if (subject.writer.writeSync(bytes)) subject.model.append(bytes)
  else expect(subject.writer.acceptedBytes).toBe(before)
  subject.expectPosition()
}

async function writev(subject: Subject, sizes: readonly number[], number: number): Promise<void> {
  await subject.settle()
  const chunks = sizes.map((size, index) => content(size, number + index))
  if (await subject.call(() => subject.writer.writev(chunks))) for (const chunk of chunks) subject.model.append(chunk)
  subject.expectPosition()
}

async function loosely(subject: Subject, byteLength: number, number: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) subject.writeLoosely(content(byteLength, number + i))
  await startAnew(subject)
}

async function reserve(subject: Subject, size: number, share: number, number: number): Promise<void> {
  await subject.settle()
  const byteLength = Math.min(size, subject.writer.bufferSize)
  if (byteLength === 0) return
  let slot: Uint8Array | null = null
  const alive = await subject.call(async () => {
    slot = subject.writer.reserve(byteLength)
    if (slot === null) await subject.writer.drain()
    slot ??= subject.writer.reserve(byteLength)
  })
  // Null: a write that failed meanwhile has to be tried again first.
  if (!alive || slot === null) return
  fill(subject, slot, byteLength, share, number)
}

function fill(subject: Subject, slot: Uint8Array, byteLength: number, share: number, number: number): void {
  expect(slot.byteLength).toBe(byteLength)
  const bytes = content(Math.floor((byteLength * share) / 1000), number)
  slot.fill(0)
  slot.set(bytes)
  subject.writer.commit(bytes.byteLength)
  subject.model.append(bytes)
  subject.expectPosition()
}

async function patch(subject: Subject, where: number, size: number, number: number): Promise<void> {
  await subject.settle()
  const { start, position } = subject.model
  const offset = start + Math.floor(((position - start) * where) / 1000)
  const bytes = content(Math.min(size, position - offset), number)
  // Also when it comes to nothing the file may hold some of it.
  subject.model.unsure.push({ from: offset, to: offset + bytes.byteLength })
  if (await subject.call(() => subject.writer.writeAt(bytes, offset))) subject.model.patch(bytes, offset)
}

async function flush(subject: Subject): Promise<void> {
  await subject.settle()
  await subject.flush()
}

async function sync(subject: Subject): Promise<void> {
  await subject.settle()
  if (!(await subject.call(() => subject.writer.sync()))) return
  expect(subject.writer.syncedBytes).toBe(subject.writer.acceptedBytes)
  subject.model.unsure = []
}

async function reset(subject: Subject, bytes: number | null): Promise<void> {
  await subject.settle()
  await subject.reset(bytes === null ? null : content(bytes, bytes))
}

async function reopen(subject: Subject, flags: 'a' | 'r+', where: number): Promise<void> {
  await subject.settle()
  if (!(await subject.end())) return
  const { length } = subject.model
  await subject.open(flags, flags === 'a' ? length : Math.floor((length * where) / 1000))
}

async function startAnew(subject: Subject): Promise<void> {
  if (subject.writer.position < fileBytesMax) return
  await subject.settle()
  if (await subject.end()) await subject.open('w', 0)
}
