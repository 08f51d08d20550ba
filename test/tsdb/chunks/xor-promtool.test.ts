import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BlockWriter } from '../../../bench/tsdb/block/block-writer.ts'
import { ChunkReader } from '../../../bench/tsdb/chunks/chunk-reader.ts'
import { Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { scanXor } from '../../../bench/tsdb/chunks/scan-xor.ts'
import { decodeXor, ENCODING_XOR } from '../../../bench/tsdb/chunks/xor.ts'
import { IndexReader } from '../../../bench/tsdb/index/index-reader.ts'
import { SeriesEntry } from '../../../bench/tsdb/index/series-entry.ts'
import { defaultSettings } from '../../../bench/tsdb/settings.ts'
import { randomNumbers } from '../../support/bytes.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { numberText, textOf } from '../support/open-metrics.ts'
import { dump } from '../support/promtool.ts'
import { createBlocks } from '../support/promtool-data.ts'
import { referenceBits, referenceEncoding } from '../support/xor-reference.ts'
import { encodingOf, samplesOf } from '../support/xor-samples.ts'

// The encoding beside Prometheus's own.

type Sample = readonly [timeMs: number, value: number]
type NamedSamples = ReadonlyMap<string, readonly Sample[]>

/** A block's beginning: a multiple of two hours. */
const BLOCK_START_MS = 1_700_006_400_000
const INTERVAL_MS = 15_000

const random = randomNumbers(1)
const regular = (count: number, value: (i: number) => number): Sample[] =>
  Array.from({ length: count }, (_, i) => [BLOCK_START_MS + INTERVAL_MS * i, value(i)])

/** Times in steps of an eighth of a second, which a reader of seconds multiplies exactly. */
function jittered(count: number, value: (i: number) => number): Sample[] {
  return regular(count, value).map(([timeMs, v], i) => [timeMs + (i === 0 ? 0 : 125 * random(100)), v])
}

const special = [NaN, Infinity, -Infinity, 0, -0, 5e-324, -5e-324, 2.225073858507201e-308, Number.MAX_VALUE, 1 / 3, NaN]

const someSeries: NamedSamples = new Map([
  ['counter', regular(480, (i) => 123 * i)],
  ['constant', regular(480, () => 42)],
  ['fractions', regular(480, () => random(2 ** 31) / 1000)],
  ['special', regular(480, (i) => special[i % special.length]!)],
  [
    'far_apart',
    regular(480, (i) => (i % 2 === 0 ? 1 : -1) * 2 ** (((i * 37) % 2000) - 1000) * (1 + random(1000) / 1000)),
  ],
  ['jitter', jittered(480, (i) => i * i)],
  ['one', [[BLOCK_START_MS + 1000, 1.5]]],
  ['gaps', [0, 1, 3600, 3601, 7198, 7199].map((second, i): Sample => [BLOCK_START_MS + 1000 * second, i])],
])

/** The block that promtool makes of them. */
async function promtoolBlock(series: NamedSamples): Promise<string> {
  const lines = [...series].flatMap(([name, samples]) =>
    samples.map(([timeMs, value]) => `${name} ${numberText(value)} ${secondsText(timeMs)}`),
  )
  const folder = temporaryFolder()
  const [block, ...others] = await createBlocks(textOf(...lines), folder)
  expect(others).toEqual([])
  return join(folder, block!.ulid)
}

/** Seconds as text, that are the same milliseconds again when promtool multiplies and cuts off what is behind the point. */
function secondsText(timeMs: number): string {
  const text = `${Math.floor(timeMs / 1000)}.${String(timeMs % 1000).padStart(3, '0')}`
  expect(Math.trunc(Number(text) * 1000)).toBe(timeMs)
  return text
}

interface Chunk {
  readonly data: Buffer
  readonly minTimeMs: number
  readonly maxTimeMs: number
}

/** The data of all chunks, by the name of the series. */
async function chunksIn(block: string): Promise<Map<string, Chunk[]>> {
  const found = new Map<string, Chunk[]>()
  const index = await IndexReader.open(block, 'direct')
  const reader = await ChunkReader.open(block, 'direct')
  try {
    const entry = new SeriesEntry()
    while (await index.next(entry)) {
      const ofSeries: Chunk[] = []
      found.set(index.symbols[entry.symbols[1]!]!, ofSeries)
      for (let i = 0; i < entry.chunkCount; i++) {
        const { encoding, data, record } = await reader.load(entry.references[i]!)
        expect(encoding).toBe(ENCODING_XOR)
        const [minTimeMs, maxTimeMs] = [entry.minTimesMs[i]!, entry.maxTimesMs[i]!]
        const span = { count: 0, minTimeMs: 0, maxTimeMs: 0 }
        const start = data.byteOffset - record.byteOffset
        expect(scanXor(record, start, start + data.length, span)).toBeNull()
        expect(span).toEqual({ count: data.readUInt16BE(), minTimeMs, maxTimeMs })
        ofSeries.push({ data: Buffer.from(data), minTimeMs, maxTimeMs })
      }
    }
  } finally {
    await index.close()
    await reader.close()
  }
  return found
}

function decoded({ data }: Chunk): Samples {
  const samples = new Samples(data.readUInt16BE())
  expect(decodeXor(data, samples)).toBeNull()
  return samples
}

/** As text reads them: promtool knows one NaN. */
function bitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return Number.isNaN(value) ? 0x7ff8000000000001n : view.getBigUint64(0)
}

/**
 * Where the bits fill the last byte, older versions of Prometheus, 2.42 among them, may put one more byte of zeros behind
 * it. The format says that there are 0 to 7 bits of padding.
 */
function endsWithByte(samples: Samples): boolean {
  return referenceBits(samplesOf(samples)).length % 8 === 0
}

async function expectSame(series: NamedSamples): Promise<void> {
  const chunks = await chunksIn(await promtoolBlock(series))
  expect([...chunks.keys()]).toEqual([...series.keys()].toSorted())
  for (const [name, ofSeries] of chunks) {
    const expected = series.get(name)!.map(([timeMs, value]) => ({ timeMs: BigInt(timeMs), bits: bitsOf(value) }))
    const columns = ofSeries.map(decoded)
    expect(columns.flatMap(samplesOf), name).toEqual(expected)
    for (const [i, { data }] of ofSeries.entries()) {
      const ours = encodingOf(columns[i]!).toString('hex')
      expect([ours, ...(endsWithByte(columns[i]!) ? [`${ours}00`] : [])], `${name}, chunk ${i}`).toContain(
        data.toString('hex'),
      )
    }
  }
}

describe('chunks that promtool makes', () => {
  it('decode to the samples that it was given, which encode to the same bytes', async () => {
    await expectSame(someSeries)
  })

  it('have 120 samples, every 15 s from the beginning of a block on', async () => {
    const chunks = await chunksIn(await promtoolBlock(new Map([['counter', someSeries.get('counter')!]])))
    expect(chunks.get('counter')!.map(({ data }) => data.readUInt16BE())).toEqual([120, 120, 120, 120])
  })

  it('have differences of differences of every width, on both sides of every border', async () => {
    const series = new Map<string, Sample[]>()
    for (const border of [8191, 8192, 65_535, 65_536, 524_287, 524_288]) {
      for (const beside of [-1, 0, 1]) {
        for (const sign of [-1, 1]) {
          const difference = sign * (border + beside)
          const times = exactTimes([0, 600_000, 1_200_000 + difference])
          series.set(
            `d_${sign < 0 ? 'minus_' : ''}${border + beside}`,
            times.map((timeMs, i) => [timeMs, i]),
          )
        }
      }
    }
    expect(series.size).toBe(24)
    await expectSame(series)
  })
})

/** The first times these far apart in a block that are milliseconds exactly when they are read as seconds. */
function exactTimes(offsetsMs: readonly number[]): number[] {
  for (let start = BLOCK_START_MS; ; start++) {
    const times = offsetsMs.map((offset) => start + offset)
    if (times.every((timeMs) => Math.trunc(Number(`${timeMs / 1000}`) * 1000) === timeMs)) return times
  }
}

describe('a chunk whose first difference is in a window never named', () => {
  it('is for promtool what it is here', async () => {
    const first = referenceEncoding([{ timeMs: BigInt(BLOCK_START_MS), bits: bitsOf(1) }])
    // 1 ms later; 10, and 64 bits: the difference of the values 1 and -2.0000000000000004.
    const difference = (bitsOf(1) ^ bitsOf(-2.0000000000000004)).toString(2).padStart(64, '0')
    const stream = BigInt(`0b00000001${`10${difference}`.padEnd(72, '0')}`)
    const data = Buffer.concat([first, Buffer.from(stream.toString(16).padStart(20, '0'), 'hex')])
    data.writeUInt16BE(2)
    const samples = decoded({ data, minTimeMs: 0, maxTimeMs: 0 })
    expect([...samples.values]).toEqual([1, -2.0000000000000004])

    const folder = temporaryFolder()
    await writeBlock(folder, data)
    const timestampsMs = [BLOCK_START_MS, BLOCK_START_MS + 1]
    expect(await dump(folder)).toEqual(
      new Map([['{__name__="odd"}', { timestampsMs, values: [1, -2.0000000000000004] }]]),
    )
  })
})

/** A block of one series with two samples in one chunk. */
async function writeBlock(folder: string, data: Buffer): Promise<void> {
  const block = await BlockWriter.open(folder, defaultSettings, data.length)
  for (const symbol of ['__name__', 'odd']) await block.index.addSymbol(symbol)
  await block.index.endSymbols()
  const { reference, wait } = block.chunks.add(ENCODING_XOR, data)
  await wait
  const entry = new SeriesEntry()
  entry.symbols.push(0, 1)
  entry.addChunk(BLOCK_START_MS, BLOCK_START_MS + 1, reference)
  await block.index.addSeries(entry)
  block.numSamples = 2
  block.numChunks = 1
  await block.publish({
    minTime: BLOCK_START_MS,
    maxTime: BLOCK_START_MS + 7_200_000,
    level: 1,
    sources: [],
    parents: [],
  })
}
