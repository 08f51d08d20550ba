import { describe, expect, it } from 'vitest'
import { CHUNK_SAMPLES, TIME_MS_MAX } from '../../../bench/tsdb/chunks/samples.ts'
import { Head, type HeadSeries } from '../../../bench/tsdb/head/head.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'

const RANGE_MS = 1000
const a = labelsOf([['a', '1']])
const b = labelsOf([['b', '1']])

/** A head with one series that has samples of these times, each with the value 1. */
function headWith(...times: number[]): { head: Head; series: HeadSeries } {
  const head = new Head(RANGE_MS)
  const series = head.seriesOf(a)
  for (const time of times) head.append(series, time, 1)
  return { head, series }
}

/** The spans of a series' chunks and of what makes none yet, as `first..last`. */
function spansOf({ chunks, open }: HeadSeries): string[] {
  const spans = chunks.map(({ minTimeMs, maxTimeMs, count }) => `${minTimeMs}..${maxTimeMs} (${count})`)
  const { count, timestampsMs } = open
  return count === 0 ? spans : [...spans, `${timestampsMs[0]}..${timestampsMs[count - 1]} (${count}, open)`]
}

describe('a series of a head', () => {
  it('is one for each label set, with a reference of its own, counted from 1', () => {
    const head = new Head(RANGE_MS)
    const series = head.seriesOf(a)
    expect(head.seriesOf(labelsOf([['a', '1']]))).toBe(series)
    expect([series.reference, head.seriesOf(b).reference, head.seriesCount]).toEqual([1, 2, 2])
  })

  it('of a replayed WAL has the reference that it has there, and new ones come behind', () => {
    const head = new Head(RANGE_MS)
    const series = head.restore(7, a)
    expect([series.reference, head.seriesOf(a), head.seriesOf(b).reference]).toEqual([7, series, 8])
    expect(head.restore(9, a)).toBe(series)
    expect(head.seriesOf(labelsOf([['c', '1']])).reference).toBe(10)
  })

  it('is in chunks of 120 samples, and of what is left', () => {
    const { head, series } = headWith(...Array.from({ length: 2 * CHUNK_SAMPLES + 5 }, (_, i) => i))
    expect(spansOf(series)).toEqual(['0..119 (120)', '120..239 (120)', '240..244 (5, open)'])
    head.append(series, 245, 1)
    expect(spansOf(series).at(-1)).toBe('240..245 (6, open)')
  })

  it('has no chunk that reaches over the border of two block ranges', () => {
    const { series } = headWith(-1001, -1000, -1, 0, 999, 1000, 1999, 5000)
    expect(spansOf(series)).toEqual([
      '-1001..-1001 (1)',
      '-1000..-1 (2)',
      '0..999 (2)',
      '1000..1999 (2)',
      '5000..5000 (1, open)',
    ])
  })
})

describe('a sample', () => {
  it.each([
    ['of the last time', 10, 'ERR_TSDB_DUPLICATE_SAMPLE'],
    ['that is older than the last one', 9, 'ERR_TSDB_OUT_OF_ORDER'],
    ['of a time that is no number', Number.NaN, 'ERR_TSDB_OUT_OF_ORDER'],
    ['of a time that is not whole', 10.5, 'ERR_TSDB_OUT_OF_ORDER'],
    ['of an infinite time', Infinity, 'ERR_TSDB_OUT_OF_ORDER'],
    ['of a time beyond what formats hold', TIME_MS_MAX + 1, 'ERR_TSDB_OUT_OF_ORDER'],
  ])('%s is refused, and the series is as it was', (_, timestampMs, code) => {
    const { head, series } = headWith(5, 10)
    const refused = expect.objectContaining({ code, message: expect.stringContaining(String(timestampMs)) }) as Error
    expect(head.refusalOf(series, timestampMs)).toEqual(refused)
    expect(() => head.append(series, timestampMs, 2)).toThrow(refused)
    expect(spansOf(series)).toEqual(['5..10 (2, open)'])
    head.append(series, 11, 3)
    expect(spansOf(series)).toEqual(['5..11 (3, open)'])
  })

  it('before 1970 is refused beyond what formats hold', () => {
    const { head, series } = headWith()
    expect(head.refusalOf(series, -TIME_MS_MAX - 1)).toMatchObject({ code: 'ERR_TSDB_OUT_OF_ORDER' })
    expect(head.refusalOf(series, -TIME_MS_MAX)).toBe(null)
  })

  it('is refused for its own series only, which is named', () => {
    const { head, series } = headWith(10)
    const other = head.seriesOf(b)
    expect(head.refusalOf(series, 9)?.message).toContain('{a="1"}')
    head.append(other, 9, 1)
    expect(spansOf(other)).toEqual(['9..9 (1, open)'])
  })

  it('from before what was forgotten is refused, of any series', () => {
    const { head, series } = headWith(10, 1500)
    head.forget(1000)
    for (const one of [series, head.seriesOf(b)]) {
      expect(head.refusalOf(one, 999)).toMatchObject({ code: 'ERR_TSDB_OUT_OF_ORDER' })
    }
    expect(head.refusalOf(head.seriesOf(b), 1000)).toBe(null)
  })

  it('is not refused behind an earlier border than the one before', () => {
    const { head } = headWith(10)
    head.forget(2000)
    head.forget(1000)
    expect(head.minValidTimeMs).toBe(2000)
  })
})

describe('ranges', () => {
  it('are those that have samples, the oldest first', () => {
    const { head } = headWith(-1, 3500, 3999)
    head.append(head.seriesOf(b), 1000, 1)
    expect(head.ranges()).toEqual([-1000, 1000, 3000])
  })

  it('are none of an empty head', () => {
    const head = new Head(RANGE_MS)
    head.seriesOf(a)
    expect(head.ranges()).toEqual([])
  })
})

describe('what is forgotten', () => {
  it('is what is before a border, and the series that have nothing left', () => {
    const { head, series } = headWith(10, 20, 1500, 2500)
    const old = head.seriesOf(b)
    head.append(old, 30, 1)
    head.chunksBefore(old, 1000)
    head.forget(1000)
    expect(spansOf(series)).toEqual(['1500..1500 (1)', '2500..2500 (1, open)'])
    expect([head.series, head.seriesCount, series.isForgotten, old.isForgotten]).toEqual([[series], 1, false, true])
    expect(head.ranges()).toEqual([1000, 2000])
  })

  it('is also what makes no chunk yet', () => {
    const { head, series } = headWith(10, 20)
    const other = head.seriesOf(b)
    head.append(other, 1000, 1)
    head.forget(1000)
    expect([spansOf(series), spansOf(other)]).toEqual([[], ['1000..1000 (1, open)']])
    expect(head.ranges()).toEqual([1000])
    expect([series.isForgotten, head.series]).toEqual([true, [other]])
  })

  it('as a series comes back with another reference, which takes the samples of the old one', () => {
    const { head, series } = headWith(10)
    head.forget(1000)
    head.append(series, 1001, 1)
    const back = head.seriesOf(a)
    expect(back).not.toBe(series)
    expect([back.reference, spansOf(back), spansOf(series)]).toEqual([2, ['1001..1001 (1, open)'], []])
    head.append(series, 1002, 1)
    expect(spansOf(back)).toEqual(['1001..1002 (2, open)'])
    expect(() => head.append(series, 1002, 1)).toThrow(expect.objectContaining({ code: 'ERR_TSDB_DUPLICATE_SAMPLE' }))
  })
})
