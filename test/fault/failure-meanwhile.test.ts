import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, expectContent, failing, Gate, HeldWrites, openOver, quiet, rejection, soon } from './disk.ts'

/** A write fails while the call that has its turn is waiting for something else than writes. */

const folder = temporaryFolder()
const noSpace = (): Error => failing('ENOSPC', 'pwritev2')

async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

describe('a write that fails while', () => {
  it('flush reads what the file holds behind its tail: flush rejects, nothing is lost', async () => {
    const old = someBytes(20 * block, 5)
    const made = await openOver(folder, {})
    await made.writer.write(old)
    await made.writer.end()
    const writes = new HeldWrites()
    const reading = new Gate()
    const faults: FileFaults = {
      ...writes.faults,
      pread: async (real, ...parameters) => {
        await reading.opened
        return await real.pread(...parameters)
      },
    }
    const options = { path: made.path, flags: 'r+', queueDepth: 4 } as const
    const { writer, path } = await openOver(folder, faults, options)
    const content = someBytes(5 * block + 7)
    writer.writeSync(content)
    const flushed = rejection(writer.flush(), 'flush')
    const [first] = await writes.first(1)
    first?.fail(noSpace())
    await quiet()
    reading.open()
    await quiet()
    writes.letAllThrough()
    expect(await flushed).toMatchObject({ code: 'ENOSPC', retryable: true, position: 0 })
    await soon(writer.flush(), 'the second flush')
    await writer.end()
    content.copy(old)
    expectContent(path, old)
  })

  it('reset opens the next file: reset rejects, nothing is lost', async () => {
    const writes = new HeldWrites()
    let opening: Gate | undefined
    const slowly: FileFaults = {
      ...writes.faults,
      statx: async (real) => {
        await opening?.opened
        return await real.statx()
      },
    }
    const { writer, path } = await openOver(folder, slowly, { queueDepth: 4 })
    const content = someBytes(5 * block + 7)
    writer.writeSync(content)
    opening = new Gate()
    const next = freshPath(folder)
    const reset = rejection(writer.reset(next), 'reset')
    const [first] = await writes.first(1)
    await quiet()
    first?.fail(noSpace())
    await quiet()
    opening.open()
    await quiet()
    writes.letAllThrough()
    expect(await reset).toMatchObject({ code: 'ENOSPC', retryable: true, position: 0 })
    expect(await soon(writer.reset(next), 'the second reset')).toBe(content.byteLength)
    expectContent(path, content)
    await writer.end()
  })

  it('residentBytes asks the kernel: the next call tries it again', async () => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 4 })
    const content = someBytes(5 * block)
    writer.writeSync(content)
    const asked = writer.residentBytes()
    const [first] = await writes.first(1)
    first?.fail(noSpace())
    await asked.catch(() => undefined)
    writes.letAllThrough()
    await soon(writer.end(), 'end')
    expectContent(path, content)
  })
})

describe('a write that fails at any moment', () => {
  const moments = Array.from({ length: 40 }, (_, tick) => tick)

  it.each(['flush', 'sync', 'write', 'writev', 'writeAt', 'end'] as const)(
    'during %s: a call that resolves has done its work, one that rejects has taken nothing',
    async (name) => {
      for (const moment of moments) {
        const writes = new HeldWrites()
        const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 2 })
        const content = someBytes(5 * block + 7)
        const more = [someBytes(block, 2), someBytes(3, 3), someBytes(2 * block, 4)]
        expect(writer.writeSync(content)).toBe(true)
        const [first] = await writes.first(1)
        const calls = {
          flush: () => writer.flush(),
          sync: () => writer.sync(),
          write: () => writer.write(more[0] as Buffer),
          writev: () => writer.writev(more),
          writeAt: () => writer.writeAt('patched', 5 * block + 1),
          end: () => writer.end(),
        }
        // A call before it, so that it needs its turn, and ends as the failure comes.
        const before = writer.writeAt('', 0).catch(() => undefined)
        const outcome = calls[name]().then(
          () => 'resolved',
          () => 'rejected',
        )
        await ticks(moment)
        first?.fail(noSpace())
        await ticks(100)
        writes.letAllThrough()
        await before
        const what = `${name} that met a failure after ${moment} ticks`
        const resolved = (await soon(outcome, what)) === 'resolved'
        if (name === 'writeAt' && resolved) Buffer.from('patched').copy(content, 5 * block + 1)
        const taken = { write: more.slice(0, 1), writev: more }[name as 'write'] ?? []
        const expected = Buffer.concat(resolved ? [content, ...taken] : [content])
        expect({ moment, accepted: writer.acceptedBytes }).toEqual({ moment, accepted: expected.byteLength })
        await soon(writer.end(), `end after ${what}`)
        expectContent(path, expected)
      }
    },
  )
})
