import { appendFileSync, writeFileSync } from 'node:fs'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputFile, type ReadRange, type ReadWay } from '../../../bench/tsdb/files/input-file.ts'
import { ReadAhead } from '../../../bench/tsdb/files/read-ahead.ts'
import { someBytes } from '../../support/bytes.ts'
import { kernelError } from '../../support/faults.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom, expectBytes } from '../../writer/tools.ts'

const folder = temporaryFolder()
const KIB = 1024
const WINDOW_BYTES = 1024 * KIB
/** More than three windows, and no whole number of blocks. */
const content = someBytes(3.5 * 1024 * KIB + 1237)

type Read = (memory: Buffer, offset: number, byteLength: number) => Promise<ReadRange>

/** The file, with what `fault` makes of each of its reads into a window. */
function withFault(
  file: InputFile,
  fault: (read: Read, ...parameters: Parameters<Read>) => Promise<ReadRange>,
): InputFile {
  const real: Read = (...parameters) => file.readInto(...parameters)
  return Object.create(file, {
    readInto: { value: (...parameters: Parameters<Read>) => fault(real, ...parameters) },
  }) as InputFile
}

async function get(ahead: ReadAhead, offset: number, byteLength: number): Promise<Buffer> {
  return ahead.view(offset, byteLength) ?? (await ahead.load(offset, byteLength))
}

/** From where the request before ended; or from its beginning; or from anywhere. */
type Step = { readonly from: 'end' | 'start' | 'anywhere'; readonly by: number; readonly byteLength: number }

const someLength = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 70 * KIB }),
  fc.constantFrom(64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 512 * KIB, 512 * KIB + 1),
  fc.nat({ max: 600 * KIB }),
)
const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ from: fc.constant('end' as const), by: fc.nat({ max: 20 }), byteLength: someLength }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      from: fc.constant('end' as const),
      by: fc.nat({ max: 2 * WINDOW_BYTES }),
      byteLength: someLength,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      from: fc.constant('start' as const),
      by: fc.integer({ min: -100_000, max: 100_000 }),
      byteLength: someLength,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      from: fc.constant('anywhere' as const),
      by: fc.nat({ max: content.length + 100 }),
      byteLength: someLength,
    }),
  },
)

describe.each(['direct', 'buffered'] as const)('reading ahead in a file that is read %s', (way: ReadWay) => {
  let file: InputFile
  beforeAll(async () => {
    const path = freshPath(folder)
    writeFileSync(path, content)
    file = await InputFile.open(path, way)
    expect(file.way).toBe(way)
  })
  afterAll(() => file.close())

  test.prop([fc.array(someStep, { maxLength: 60 })], { numRuns: 40 })(
    'gives the bytes that are asked for, in any order, and they hold until the next load',
    async (steps) => {
      const ahead = new ReadAhead(file)
      let [offset, end] = [0, 0]
      let held: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)]
      for (const { from, by, byteLength } of steps) {
        offset = Math.max(0, by + { end, start: offset, anywhere: 0 }[from])
        end = offset + byteLength
        expectBytes(...held)
        if (end > content.length) {
          await expect(get(ahead, offset, byteLength)).rejects.toMatchObject({ code: 'ERR_TSDB_TRUNCATED', offset })
          held = [Buffer.alloc(0), Buffer.alloc(0)]
          end = 0
          continue
        }
        held = [await get(ahead, offset, byteLength), content.subarray(offset, end)]
        expectBytes(...held)
      }
      await ahead.settle()
      expectBytes(...held)
    },
  )

  it('reads every window once when it goes forwards', async () => {
    const starts: number[] = []
    const ahead = new ReadAhead(
      withFault(file, (read, memory, offset, byteLength) => {
        starts.push(offset)
        return read(memory, offset, byteLength)
      }),
    )
    for (let offset = 0; offset < content.length; offset += 1000) {
      const byteLength = Math.min(1000, content.length - offset)
      expectBytes(await get(ahead, offset, byteLength), content.subarray(offset, offset + byteLength))
    }
    await ahead.settle()
    // And once more at the end, where nothing comes.
    expect(starts).toEqual(
      [0, 1, 2, 3, 3.5].map((windows) => (windows === 3.5 ? content.length : windows * WINDOW_BYTES)),
    )
  })

  it.each([
    ['as large as what is carried over', 64 * KIB],
    ['larger than that', 200 * KIB],
    ['half a window', 512 * KIB],
    ['larger than that, too', 700 * KIB],
  ])('gives an item across the border of two windows: %s', async (_, byteLength) => {
    for (const before of [1, byteLength / 2, byteLength - 1]) {
      const ahead = new ReadAhead(file)
      expectBytes(await get(ahead, 0, 100), content.subarray(0, 100))
      const offset = WINDOW_BYTES - before
      expectBytes(await get(ahead, offset, byteLength), content.subarray(offset, offset + byteLength))
      const end = offset + byteLength
      expectBytes(await get(ahead, end, 100), content.subarray(end, end + 100))
      await ahead.settle()
    }
  })

  it('tells that the file ends, again and again, and still gives what is before its end', async () => {
    const ahead = new ReadAhead(file)
    for (let i = 0; i < 3; i++) {
      for (const [offset, byteLength] of [
        [content.length, 1],
        [content.length - 5, 6],
        [content.length + 5000, 1],
        [0, content.length + 1],
      ] as const) {
        await expect(get(ahead, offset, byteLength)).rejects.toMatchObject({
          code: 'ERR_TSDB_TRUNCATED',
          file: file.path,
          offset,
        })
      }
      expectBytes(await get(ahead, content.length - 5, 5), content.subarray(-5))
      expect(await get(ahead, content.length, 0)).toHaveLength(0)
    }
    await ahead.settle()
  })

  it('goes on where the file ended before it grew', async () => {
    const path = freshPath(folder)
    writeFileSync(path, content.subarray(0, 1000))
    const growing = await InputFile.open(path, way)
    const ahead = new ReadAhead(growing)
    let end = 1000
    for (const more of [77, 5000, 2 * WINDOW_BYTES, 3]) {
      expectBytes(await get(ahead, end - 900, 900), content.subarray(end - 900, end))
      expect(await codeFrom(() => get(ahead, end - 10, 11))).toBe('ERR_TSDB_TRUNCATED')
      appendFileSync(path, content.subarray(end, end + more))
      expectBytes(await get(ahead, end - 10, 13), content.subarray(end - 10, end + 3))
      end += more
    }
    expectBytes(await get(ahead, end - 900, 900), content.subarray(end - 900, end))
    await ahead.settle()
    await growing.close()
  })

  it('has nothing under way when it has settled', async () => {
    let underWay = 0
    const ahead = new ReadAhead(
      withFault(file, async (read, ...parameters) => {
        underWay++
        const range = await read(...parameters)
        underWay--
        return range
      }),
    )
    await get(ahead, 0, 100)
    expect(underWay).toBe(1)
    await ahead.settle()
    expect(underWay).toBe(0)
    expectBytes(await get(ahead, WINDOW_BYTES, 100), content.subarray(WINDOW_BYTES, WINDOW_BYTES + 100))
    await ahead.settle()
  })

  it('tells that the window to come could not be read when that is asked for, and tries again', async () => {
    let failing = false
    const ahead = new ReadAhead(
      withFault(file, (read, memory, offset, byteLength) => {
        if (failing && offset > 0) return Promise.reject(kernelError('EIO', 5, 'read'))
        return read(memory, offset, byteLength)
      }),
    )
    failing = true
    const inFirst = WINDOW_BYTES - 600
    expectBytes(await get(ahead, 0, 500), content.subarray(0, 500))
    expectBytes(await get(ahead, inFirst, 500), content.subarray(inFirst, inFirst + 500))
    expect(await codeFrom(() => get(ahead, WINDOW_BYTES - 100, 200))).toBe('EIO')
    expect(await codeFrom(() => get(ahead, WINDOW_BYTES - 100, 200))).toBe('EIO')
    failing = false
    expectBytes(await get(ahead, WINDOW_BYTES - 100, 200), content.subarray(WINDOW_BYTES - 100, WINDOW_BYTES + 100))
    await ahead.settle()
  })

  it('gives nothing from memory that a failed read has overwritten', async () => {
    let failing = false
    const ahead = new ReadAhead(
      withFault(file, async (read, memory, offset, byteLength) => {
        const range = await read(memory, offset, byteLength)
        if (failing) throw kernelError('EIO', 5, 'read')
        return range
      }),
    )
    expectBytes(await get(ahead, 0, 500), content.subarray(0, 500))
    await ahead.settle()
    failing = true
    expect(await errorFrom(() => get(ahead, 2 * WINDOW_BYTES, 500))).toMatchObject({ code: 'EIO' })
    failing = false
    expectBytes(await get(ahead, 0, 500), content.subarray(0, 500))
    await ahead.settle()
  })
})
