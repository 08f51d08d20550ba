import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { formatLabels, labelsOf } from '../../bench/tsdb/labels.ts'
import { type ImportedSample, readOpenMetrics } from '../../bench/tsdb/samples/open-metrics.ts'
import { LINE_BYTES_MAX } from '../../bench/tsdb/samples/open-metrics-text.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { labelText, numberText, samplesIn, someLabelValue, textOf } from './support/open-metrics.ts'

const someLabelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,9}$/).filter((name) => name !== '__name__')
const someLabels = fc.uniqueArray(fc.tuple(someLabelName, someLabelValue), { selector: ([name]) => name, maxLength: 6 })

const everything = textOf(
  '# HELP requests_seconds How long it "took", in \\ seconds. 漢字',
  '# TYPE requests_seconds histogram',
  '# UNIT requests_seconds seconds',
  'requests_seconds_bucket{le="0.1",path="/users/{id}"} 3 1700000000.25 # {trace="äöü"} 0.05 1700000000',
  'requests_seconds_bucket{le="+Inf",path="/users/{id}"} 5 1700000000.25',
  'requests_seconds_bucket{le="0.1",path="/users/{id}"} 4 1700000015.25',
  'plain 1e3 -1.5',
  'text{b="\\"漢😀\\"} 1 # {\\n\\\\",a="x",} NaN 1',
  'text{} -Inf .5',
)

/** A whole number of 1/10^digits, as a decimal. */
function decimal(scaled: bigint, digits: number): string {
  const text = String(scaled < 0n ? -scaled : scaled).padStart(digits + 1, '0')
  return `${scaled < 0n ? '-' : ''}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

function bucketLabels(le: string): string {
  return `{__name__="requests_seconds_bucket", le="${le}", path="/users/{id}"}`
}

async function timestampOf(token: string): Promise<number | undefined> {
  return (await samplesIn(textOf(`a 1 ${token}`)))[0]?.timestampMs
}

async function valueOf(token: string): Promise<number | undefined> {
  return (await samplesIn(textOf(`a ${token} 1`)))[0]?.value
}

describe('a text', () => {
  it('is read line by line, its labels sorted', async () => {
    const samples = (await samplesIn(everything)).map(({ labels, line, value, timestampMs }) => {
      return { line, labels: formatLabels(labels), value, timestampMs }
    })
    expect(samples).toEqual([
      { line: 4, labels: bucketLabels('0.1'), value: 3, timestampMs: 1700000000250 },
      { line: 5, labels: bucketLabels('+Inf'), value: 5, timestampMs: 1700000000250 },
      { line: 6, labels: bucketLabels('0.1'), value: 4, timestampMs: 1700000015250 },
      { line: 7, labels: '{__name__="plain"}', value: 1000, timestampMs: -1500 },
      { line: 8, labels: '{__name__="text", a="x", b="\\"漢😀\\"} 1 # {\\n\\\\"}', value: NaN, timestampMs: 1000 },
      { line: 9, labels: '{__name__="text"}', value: -Infinity, timestampMs: 500 },
    ])
  })

  it('gives the same in chunks of any size', async () => {
    const whole = await samplesIn(everything)
    for (let bytes = 1; bytes < Buffer.byteLength(everything); bytes++) {
      expect(await samplesIn(everything, bytes), `${bytes} bytes`).toEqual(whole)
    }
  })

  it('may end without a newline', async () => {
    expect(await samplesIn('a 1 1\n# EOF')).toHaveLength(1)
    expect(await samplesIn('a 1 1\n# EOF', 1)).toHaveLength(1)
  })

  it('may have no samples', async () => {
    expect(await samplesIn('# EOF\n')).toEqual([])
  })

  it('may have metadata of every type, in any order, before the samples of each family', async () => {
    const types = ['unknown', 'gauge', 'counter', 'stateset', 'info', 'histogram', 'gaugehistogram', 'summary']
    const families = types.flatMap((type) => [`# HELP ${type}_s `, `# UNIT ${type}_s s`, `# TYPE ${type}_s ${type}`])
    expect(await samplesIn(textOf(...families, 'gauge_s 1 1', '# UNIT later ', 'later 1 1'))).toHaveLength(2)
  })

  it('may have lines up to the limit, counted in bytes', async () => {
    const around = 'a{b="x"} 1 1'
    const value = `x${'ä'.repeat((LINE_BYTES_MAX - around.length) / 2)}`
    const line = `a{b="${value}"} 1 1`
    expect(Buffer.byteLength(line)).toBe(LINE_BYTES_MAX)
    expect((await samplesIn(textOf(line), 100_000))[0]?.labels[1]?.value).toBe(value)
    for (const chunkBytes of [100_000, 2 * LINE_BYTES_MAX]) {
      await expect(samplesIn(textOf('a 1 1', `${line}1`), chunkBytes)).rejects.toThrow('text:2: the line has more than')
    }
  })
})

describe('labels', () => {
  test.prop([fc.array(someLabels, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 50 })])(
    'of any text come back as they were written, without the empty ones',
    async (series, chunkBytes) => {
      const lines = series.map((labels) => `a{${labelText(labels)}} 1 1`)
      // Twice: parsed, and remembered.
      const samples = await samplesIn(textOf(...lines, ...lines), chunkBytes)
      const expected = series.map((labels) => labelsOf([['__name__', 'a'], ...labels]))
      expect(samples.map(({ labels }) => labels)).toEqual([...expected, ...expected])
    },
  )

  it('keep the backslash of an escape that is none', async () => {
    const [sample] = await samplesIn(textOf('a{b="\\t\\\\n\\x"} 1 1'))
    expect(sample?.labels[1]?.value).toBe('\\t\\n\\x')
  })

  it('may have a comma behind the last one', async () => {
    const [sample] = await samplesIn(textOf('a{b="c",} 1 1'))
    expect(sample?.labels).toEqual(
      labelsOf([
        ['__name__', 'a'],
        ['b', 'c'],
      ]),
    )
  })

  it('are not taken for those of a series that begins alike', async () => {
    const lines = ['a{b="c"} 1 1', 'a{b="c\\"} "} 2 1', 'a{b="c"} 3 1', 'a{b="c\\"} "} 4 1', 'a 5 1', 'a{} 6 1']
    const labels = (await samplesIn(textOf(...lines))).map((sample) => formatLabels(sample.labels))
    const short = '{__name__="a", b="c"}'
    const long = '{__name__="a", b="c\\"} "}'
    expect(labels).toEqual([short, long, short, long, '{__name__="a"}', '{__name__="a"}'])
  })

  it('are the same object when the series is repeated', async () => {
    const lines = ['a{b="c"} 1 1', 'a{b="\\"} "} 1 1', 'a 1 1']
    const [first, second, third, ...again] = await samplesIn(textOf(...lines, ...lines))
    expect(again.map(({ labels }) => labels)).toEqual([first, second, third].map((sample) => sample?.labels))
    for (const [index, sample] of [first, second, third].entries()) expect(again[index]?.labels).toBe(sample?.labels)
  })

  it('are forgotten, not kept without end, and read again', async () => {
    const lines = Array.from({ length: 12 }, (_, n) => `a{b="${n}${'c'.repeat(LINE_BYTES_MAX - 100)}"} 1 1`)
    const samples = await samplesIn(textOf(...lines, lines[0] ?? ''))
    expect(samples[12]?.labels).not.toBe(samples[0]?.labels)
    expect(samples[12]?.labels).toEqual(samples[0]?.labels)
  })
})

describe('values', () => {
  test.prop([fc.double()])('are read exactly', async (value) => {
    expect(await valueOf(numberText(value))).toBe(value)
  })

  test.prop([fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true })])(
    'with an exponent are read exactly',
    async (value) => {
      expect(await valueOf(value.toExponential())).toBe(value)
    },
  )

  it.each([
    ['-0', -0],
    ['+5', 5],
    ['007', 7],
    ['5.', 5],
    ['-.5', -0.5],
    ['1E+3', 1000],
    ['inf', Infinity],
    ['+INF', Infinity],
    ['-Infinity', -Infinity],
    ['nan', NaN],
    ['NaN', NaN],
  ])('may be %s', async (token, value) => {
    expect(await valueOf(token)).toBe(value)
  })
})

describe('timestamps', () => {
  test.prop([fc.integer({ min: -(2 ** 51) + 1, max: 2 ** 51 - 1 })])('are exact to the millisecond', async (ms) => {
    const text = decimal(BigInt(ms), 3)
    for (const token of [
      text,
      `${text}000`,
      text.replace(/\d/, '0000000000000$&'),
      `${ms}e-3`,
      `${decimal(BigInt(ms), 9)}E+6`,
    ]) {
      expect(await timestampOf(token), token).toBe(ms)
    }
  })

  test.prop([fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })])('are rounded to the nearest', async (micros) => {
    const away = micros < 0n ? -500n : 500n
    expect(await timestampOf(decimal(micros, 6))).toBe(Number((micros + away) / 1000n))
  })

  it.each([
    ['1.001', 1001],
    ['4.1', 4100],
    ['1.0005', 1001],
    ['1.00049999999999999999', 1000],
    ['-1.0005', -1001],
    ['1', 1000],
    ['1.', 1000],
    ['+1', 1000],
    ['.0005', 1],
    ['.00049', 0],
    ['1e3', 1_000_000],
    ['0.0000001E7', 1000],
    ['5e-4', 1],
    ['9e-5', 0],
    ['-0', 0],
    ['-0.0001', 0],
    ['0e999999', 0],
    ['1e-999999999999999999999', 0],
    ['1700000000.123', 1700000000123],
    ['2251799813685.247', 2 ** 51 - 1],
    ['-2251799813685.247', -(2 ** 51) + 1],
  ])('of %s s are %d ms', async (token, ms) => {
    expect(await timestampOf(token)).toBe(ms)
  })
})

describe('a file', () => {
  const sampleCount = 60_000
  const path = freshPath(temporaryFolder())
  writeFileSync(path, textOf(...Array.from({ length: sampleCount }, (_, n) => `metric{n="${n % 100}"} ${n} ${n}`)))

  for (const way of ['buffered', 'direct'] as const) {
    it(`is read ${way}, some thousands of samples at a time`, async () => {
      const samples: ImportedSample[] = []
      const lengths: number[] = []
      for await (const batch of readOpenMetrics(path, way)) {
        samples.push(...batch)
        lengths.push(batch.length)
      }
      expect(samples).toHaveLength(sampleCount)
      expect(
        samples.findIndex(
          ({ value, line, timestampMs }, n) => value !== n || line !== n + 1 || timestampMs !== n * 1000,
        ),
      ).toBe(-1)
      expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(4096)
      expect(Math.max(...lengths)).toBeLessThan(20_000)
    })
  }

  it('is closed when no more of it is wanted, and when it is bad', async () => {
    const openNow = () => readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).startsWith(path))
    for await (const _ of readOpenMetrics(path)) {
      expect(openNow()).toHaveLength(1)
      break
    }
    expect(openNow()).toEqual([])
    writeFileSync(`${path}-bad`, 'a 1 1\n')
    await expect(readOpenMetrics(`${path}-bad`).next()).rejects.toThrow(`${path}-bad:1: `)
    expect(openNow()).toEqual([])
  })

  it('that is not there is told as the kernel tells it', async () => {
    await expect(readOpenMetrics(`${path}-missing`).next()).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // The descriptor that listed them is closed again.
    return ''
  }
}
