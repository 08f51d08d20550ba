import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { InputFile } from '../../../bench/tsdb/files/input-file.ts'
import { openOutput } from '../../../bench/tsdb/files/output.ts'
import { ALL_SERIES, PostingsCount, type PostingsList, runsOf } from '../../../bench/tsdb/index/postings.ts'
import { writePostings } from '../../../bench/tsdb/index/postings-writer.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { expectBytes } from '../../writer/tools.ts'
import { parseIndex } from '../support/index-file.ts'
import { inIndexOrder, symbolsOf, writeIndex } from '../support/index-series.ts'

/** Series with labels of few names and values. */
const someSeries = fc.array(
  fc.uniqueArray(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 4 })), { selector: ([name]) => name, maxLength: 4 }),
  { maxLength: 40 },
)

function countOf(series: readonly (readonly [number, number][])[]): PostingsCount {
  const count = new PostingsCount()
  for (const labels of series) count.add(labels.flat())
  return count
}

describe('the count of postings', () => {
  test.prop([someSeries])('has a list of all series, then one of each label and value, in their order', (series) => {
    const count = countOf(series)
    expect(count.seriesCount).toBe(series.length)
    const expected = [{ name: ALL_SERIES, value: ALL_SERIES, count: series.length, offset: 0 }]
    for (let name = 0; name <= 5; name++) {
      for (let value = 0; value <= 4; value++) {
        const having = series.filter((labels) => labels.some(([n, v]) => n === name && v === value)).length
        if (having > 0) expected.push({ name, value, count: having, offset: 0 })
      }
    }
    expect(count.lists()).toEqual(expected)
  })
})

const entriesIn = (run: readonly PostingsList[]): number => run.reduce((sum, { count }) => sum + count, 0)
const namesIn = (run: readonly PostingsList[]): Set<number> => new Set(run.map(({ name }) => name))

describe('runs of lists', () => {
  test.prop([someSeries, fc.integer({ min: 1, max: 60 })], { numRuns: 300 })(
    'are whole names one behind the other, as many as the entries allow, and one at least',
    (series, entriesMax) => {
      const lists = countOf(series).lists()
      const runs = runsOf(lists, entriesMax)
      expect(runs.flat()).toEqual(lists)
      for (const [i, run] of runs.entries()) {
        if (namesIn(run).size > 1) expect(entriesIn(run)).toBeLessThanOrEqual(entriesMax)
        const next = runs[i + 1]
        if (next === undefined) continue
        expect(namesIn(run).has(next[0]!.name)).toBe(false)
        const firstName = next.filter(({ name }) => name === next[0]!.name)
        expect(entriesIn(run) + entriesIn(firstName)).toBeGreaterThan(entriesMax)
      }
    },
  )
})

describe('postings that do not fit into memory at once', () => {
  it.each([1, 7, 100, 10_000])('are the same when they are written %d at a time', async (entriesAtOnce) => {
    const series = inIndexOrder(
      Array.from({ length: 60 }, (_, i) => ({
        labels: [
          ['a', String(i % 3)],
          ['b', String(i)],
          [`only_${i % 2}`, 'x'],
        ] as const,
        chunks: [{ minTimeMs: i, maxTimeMs: i, reference: 8 }],
      })),
    )
    const folder = temporaryFolder()
    await writeIndex(folder, 'direct', series)
    const bytes = readFileSync(join(folder, 'index'))
    const { contents, postings, series: written } = parseIndex(bytes)
    const symbols = symbolsOf(series)
    const count = new PostingsCount()
    for (const { labels } of series) count.add(labels.flat().map((text) => symbols.indexOf(text)))
    const lists = count.lists()

    const file = await InputFile.open(join(folder, 'index'), 'direct')
    let scans = 0
    const counting = Object.create(file, {
      readInto: {
        value: (memory: Buffer, offset: number, byteLength: number) => {
          if (offset === 16 * written[0]!.reference) scans++
          return file.readInto(memory, offset, byteLength)
        },
      },
    }) as InputFile
    const writer = await openOutput(join(folder, 'postings'), 'direct')
    await writePostings(
      writer,
      { file: counting, start: contents.series, end: contents.postings },
      lists,
      entriesAtOnce,
    )
    await writer.end()
    await file.close()
    expect(scans).toBe(runsOf(lists, entriesAtOnce).length)
    // The lists stand at multiples of four there, and so they do here: nothing but what is before them differs.
    expectBytes(readFileSync(join(folder, 'postings')), bytes.subarray(contents.postings, contents.labelIndexTable))
    expect(lists.map(({ offset }) => offset + contents.postings)).toEqual(postings.map(({ offset }) => offset))
  })

  it('of which there are others than were counted are not written', async () => {
    const folder = temporaryFolder()
    const series = [{ labels: [['a', '1']] as const, chunks: [] }]
    await writeIndex(folder, 'direct', series)
    const { contents } = parseIndex(readFileSync(join(folder, 'index')))
    const file = await InputFile.open(join(folder, 'index'), 'direct')
    for (const wrong of [
      [[0, 1]],
      [[1, 1]],
      [
        [1, 0],
        [1, 0],
      ],
      [[1, 0, 0, 1]],
    ]) {
      const count = new PostingsCount()
      for (const symbols of wrong) count.add(symbols)
      const writer = await openOutput(join(folder, 'postings'), 'direct')
      const writing = writePostings(writer, { file, start: contents.series, end: contents.postings }, count.lists())
      await expect(writing).rejects.toThrow('read back other series than were written')
      await writer.end()
    }
    await file.close()
  })
})
