import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { formatLabels } from '../../bench/tsdb/labels.ts'
import { temporaryFolder } from '../support/folders.ts'
import type { DumpedSeries } from './support/go-text.ts'
import { labelText, numberText, samplesIn, someLabelValue, textOf } from './support/open-metrics.ts'
import { dump } from './support/promtool.ts'
import { createBlocks } from './support/promtool-data.ts'

// The reader beside Prometheus's own.

async function promtoolSeries(text: string): Promise<Map<string, DumpedSeries>> {
  const folder = temporaryFolder()
  await createBlocks(text, folder)
  return await dump(folder)
}

async function ourSeries(text: string): Promise<Map<string, DumpedSeries>> {
  const series = new Map<string, DumpedSeries>()
  for (const { labels, timestampMs, value } of await samplesIn(text)) {
    const key = formatLabels(labels)
    const { timestampsMs, values } = series.get(key) ?? { timestampsMs: [], values: [] }
    series.set(key, { timestampsMs: [...timestampsMs, timestampMs], values: [...values, value] })
  }
  return series
}

/** A block's beginning, in seconds. */
const BLOCK_START = 1_700_006_400
/** Eighths of a second, which promtool multiplies exactly, in a block of two hours. */
const someTimes = fc.uniqueArray(fc.integer({ min: 0, max: 2 * 3600 * 8 - 1 }), { minLength: 1, maxLength: 8 })
const someValues = fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity, 5e-324, 1.7976931348623157e308))
const someSeries = fc.record({
  value: someLabelValue,
  other: fc.option(someLabelValue),
  samples: someTimes.chain((times) =>
    fc.tuple(...times.toSorted((a, b) => a - b).map((time) => fc.tuple(fc.constant(time), someValues))),
  ),
})

describe('what is read', () => {
  test.prop([fc.array(someSeries, { minLength: 1, maxLength: 6 })], { numRuns: 15 })(
    'is what promtool puts into a block',
    async (series) => {
      // Numbered, so that no series is there twice.
      const lines = series.flatMap(({ value, other, samples }, n) => {
        const labels: [string, string][] = [
          ['z', value],
          ['number', String(n)],
        ]
        const text = labelText(other === null ? labels : [['other', other], ...labels])
        return samples.map(([time, sample]) => `metric{${text}} ${numberText(sample)} ${BLOCK_START + time / 8}`)
      })
      const text = textOf(...lines)
      expect(await ourSeries(text)).toEqual(await promtoolSeries(text))
    },
  )

  it('is what promtool puts into a block, in every form that the format has', async () => {
    const text = textOf(
      '# HELP hits How many "hits", \\ and more.',
      '# TYPE hits counter',
      'hits_total 1 1 # {trace="a b",span="\\"c"} 0.5 1.25',
      'hits_total +2. 2.5e0 # {} 1',
      'hits_total{} .5E+1 +3',
      'hits_total{z="\\\\n\\n\\"} 1 1",y="\\t",x=""} -Infinity 4.125',
      '# UNIT size_bytes bytes',
      '# TYPE size_bytes gauge',
      'size_bytes{path="/users/{id}"} 1e-999 0.0000000001',
      ':colon:1 nAn 007',
      '_under -0 1e3',
    )
    expect(await ourSeries(text)).toEqual(await promtoolSeries(text))
  })
})

describe('promtool and the reader agree', () => {
  it.each([
    '# EOF',
    'a{} 1 1\n# EOF\n',
    'a 1 1.\n# EOF\n',
    '# HELP a \na 1 1\n# EOF\n',
    'a{b="\r\t\u0001} # {x"} 1 1\n# EOF\n',
  ])('to take %j', async (text) => {
    await expect(samplesIn(text)).resolves.toBeDefined()
    await expect(createBlocks(text, temporaryFolder())).resolves.toBeDefined()
  })

  it.each([
    '',
    'a 1 1\n',
    'a 1 1\nb',
    'a 1\n# EOF\n',
    'a 1 1 \n# EOF\n',
    'a 1 1\r\n# EOF\n',
    'a  1 1\n# EOF\n',
    'a 1 Inf\n# EOF\n',
    'a 1 0x10\n# EOF\n',
    'a 0x1p3 1\n# EOF\n',
    'a 1_000 1\n# EOF\n',
    'a +nan 1\n# EOF\n',
    'a 1e999 1\n# EOF\n',
    'a{b="c",b="d"} 1 1\n# EOF\n',
    'a{__name__="b"} 1 1\n# EOF\n',
    'a{ b="c"} 1 1\n# EOF\n',
    'a{b="c"d="e"} 1 1\n# EOF\n',
    'a{b="c\\"} 1 1\n# EOF\n',
    'a_total 1 1 # {x="y"}\n# EOF\n',
    'a_total 1 1 # {x="y"} Inf NaN\n# EOF\n',
    '# comment\na 1 1\n# EOF\n',
    '# TYPE a untyped\na 1 1\n# EOF\n',
    '# HELP a\na 1 1\n# EOF\n',
    '# UNIT a s\na 1 1\n# EOF\n',
    '\na 1 1\n# EOF\n',
    'a 1 1\n# EOF\n\n',
    'a 1 1\n# EOF\nb 1 1\n# EOF\n',
    '\uFEFFa 1 1\n# EOF\n',
  ])('to refuse %j', async (text) => {
    await expect(samplesIn(text)).rejects.toThrow('text:')
    await expect(createBlocks(text, temporaryFolder())).rejects.toThrow('promtool')
  })
})
