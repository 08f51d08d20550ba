import { createHash } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { checkOrder, labelsKey, METRIC_NAME } from '../../bench/tsdb/labels.ts'
import { type GeneratorOptions, SampleGenerator } from '../../bench/tsdb/samples/generator.ts'
import { fleet, label, type SeenScrape, scrapesOf, seriesOf, stepsOf } from './support/generated.ts'

/** Fleets of all sizes, busy ones, too: what has to hold for each. */
const anyFleet: fc.Arbitrary<GeneratorOptions> = fc
  .record({
    seed: fc.maxSafeNat(),
    seriesCount: fc.integer({ min: 1, max: 1000 }),
    startMs: fc.nat({ max: 2_000_000_000_000 }),
    intervalMs: fc.integer({ min: 1, max: 7_200_000 }),
    churnPerHour: fc.double({ min: 0, max: 1, noNaN: true }),
    noise: fc.double({ min: 0, max: 1, noNaN: true }),
    restartsPerHour: fc.double({ min: 0, max: 100, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ jitter, ...options }) => Object.assign(options, { jitterMs: Math.floor(jitter * (options.intervalMs - 1)) }))

/** Everything that a generator gives, in bytes that do not depend on the machine. */
function hashOf(scrapes: readonly SeenScrape[]): string {
  const hash = createHash('sha256')
  for (const { id, labels, timestampsMs, values } of seriesOf(scrapes)) {
    hash.update(`${id} ${labelsKey(labels)} ${timestampsMs.join()}`)
    const bytes = Buffer.alloc(values.length * 8)
    for (const [index, value] of values.entries()) bytes.writeDoubleBE(value, index * 8)
    hash.update(bytes)
  }
  return hash.digest('hex')
}

describe('a seed', () => {
  const busy = { ...fleet, churnPerHour: 1, restartsPerHour: 2 }

  it('gives the same samples on every machine', () => {
    // Another hash means other data: benchmark runs do not compare with earlier ones.
    expect(hashOf(scrapesOf(busy, 100))).toBe('9c2dfdd10ba139e11052a54180ade00141def564330a351472a32f1f12878331')
  })

  it('gives other samples than another seed', () => {
    expect(hashOf(scrapesOf({ ...busy, seed: 8 }, 2))).not.toBe(hashOf(scrapesOf(busy, 2)))
  })

  test.prop([anyFleet], { numRuns: 20 })('gives the same samples when generators take turns', (options) => {
    const one = new SampleGenerator(options)
    const other = new SampleGenerator(options)
    for (let interval = 0; interval < 4; interval++) {
      const others = other.nextInterval()
      for (const { timestampMs, series, values, count } of one.nextInterval()) {
        const same = others.next().value
        expect(same?.timestampMs).toBe(timestampMs)
        expect(same?.count).toBe(count)
        expect(same?.series.map(({ id, labels }) => [id, labels])).toEqual(series.map(({ id, labels }) => [id, labels]))
        expect(same?.values).toEqual(values)
      }
      expect(others.next().done).toBe(true)
    }
  })
})

describe('a fleet', () => {
  test.prop([anyFleet], { numRuns: 40 })('has exactly as many series at any time as were asked for', (options) => {
    const scrapes = scrapesOf(options, 6)
    for (let interval = 0; interval < 6; interval++) {
      const ids = scrapes
        .filter((scrape) => scrape.interval === interval)
        .flatMap(({ series }) => series.map(({ id }) => id))
      expect(new Set(ids).size).toBe(options.seriesCount)
      expect(ids.length).toBe(options.seriesCount)
    }
  })

  test.prop([anyFleet], { numRuns: 40 })(
    'gives a sample of each series, or, where the scrape fails, the report',
    (options) => {
      for (const { series, values, failed } of scrapesOf(options, 6)) {
        expect(values.length).toBe(failed ? Math.min(3, series.length) : series.length)
        const report = ['up', 'scrape_samples_scraped', 'scrape_duration_seconds'].slice(0, series.length)
        expect(series.slice(0, 3).map((one) => label(one, METRIC_NAME))).toEqual(report)
        expect(values.slice(0, 2)).toEqual(
          [failed ? 0 : 1, failed ? 0 : Math.max(0, series.length - 3)].slice(0, series.length),
        )
      }
    },
  )

  test.prop([anyFleet], { numRuns: 40 })('counts ids from 0 without a gap, each with a sample', (options) => {
    const generator = new SampleGenerator(options)
    const seen = new Set<number>()
    for (let interval = 0; interval < 6; interval++) {
      for (const { series, count } of generator.nextInterval()) {
        for (const { id } of series.slice(0, count)) seen.add(id)
      }
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: generator.seriesBegun }, (_, id) => id))
  })

  test.prop([anyFleet], { numRuns: 40 })('has labels that are sorted and belong to one series only', (options) => {
    const series = seriesOf(scrapesOf(options, 6))
    for (const { labels } of series) checkOrder(labels)
    const names = new Set(series.flatMap(({ labels }) => labels.map(({ name }) => name)))
    for (const name of names) expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
    expect(series.filter(({ labels }) => labels.some(({ value }) => value === ''))).toEqual([])
    expect(new Set(series.map(({ labels }) => labelsKey(labels))).size).toBe(series.length)
  })

  it('shares label names between its series, and values', () => {
    const series = seriesOf(scrapesOf(fleet, 1))
    const seriesWith = (name: string) => series.filter((one) => label(one, name) !== undefined).length
    for (const name of [METRIC_NAME, 'job', 'instance']) expect(seriesWith(name)).toBe(series.length)
    for (const name of ['namespace', 'pod', 'cpu', 'mode', 'device', 'le', 'handler', 'quantile']) {
      expect(seriesWith(name), name).toBeGreaterThan(10)
    }
    expect(new Set(series.map((one) => label(one, 'job'))).size).toBeLessThan(5)
  })

  it('has label values that are not ASCII, beyond U+FFFF, and with all that is escaped', () => {
    const values = new Set(seriesOf(scrapesOf(fleet, 1)).map((one) => label(one, 'description')))
    expect(values).toContain('Prüfstand Zürich, Ελλάδα, 東京')
    expect(values).toContain('launch 🚀 pad')
    expect(values).toContain('says "hello",\nthen C:\\temp')
  })

  it('has several targets and every shape from 512 series on', () => {
    const series = seriesOf(scrapesOf({ ...fleet, seriesCount: 512 }, 1))
    expect(series.filter(({ name }) => name === 'up')).toHaveLength(8)
    const names = new Set(series.map(({ name }) => name))
    for (const name of [
      'app_build_info',
      'process_start_time_seconds',
      'go_goroutines',
      'process_resident_memory_bytes',
      'node_load1',
      'node_network_receive_bytes_total',
      'process_cpu_seconds_total',
      'go_cpu_classes_gc_total_cpu_seconds_total',
      'http_request_duration_seconds_bucket',
    ]) {
      expect(names).toContain(name)
    }
  })
})

describe('timestamps', () => {
  test.prop([anyFleet], { numRuns: 40 })('lie within their interval and strictly increase in a series', (options) => {
    const generator = new SampleGenerator(options)
    const last = new Map<number, number>()
    for (let interval = 0; interval < 6; interval++) {
      const begin = generator.now
      expect(begin).toBe(options.startMs + interval * options.intervalMs)
      for (const { timestampMs, series, count } of generator.nextInterval()) {
        expect(timestampMs).toBeGreaterThanOrEqual(begin)
        expect(timestampMs).toBeLessThan(begin + options.intervalMs)
        for (const { id } of series.slice(0, count)) {
          if ((last.get(id) ?? -1) >= timestampMs) expect.fail(`series ${id} at ${timestampMs} after ${last.get(id)}`)
          last.set(id, timestampMs)
        }
      }
    }
  })

  it('of some targets are late by as much as was allowed, of the others exact', () => {
    const ups = seriesOf(scrapesOf({ ...fleet, jitterMs: 3, churnPerHour: 0, restartsPerHour: 0 }, 200))
      .filter(({ name }) => name === 'up')
      .map(({ timestampsMs }) => timestampsMs.map((timestamp, index) => timestamp - index * fleet.intervalMs))
      .map((times) => new Set(times.map((time) => time - Math.min(...times))))
    expect(ups.map(({ size }) => size).toSorted((a, b) => a - b)).toEqual([1, 1, 1, 1, 1, 1, 1, 4])
    expect(ups.find(({ size }) => size === 4)).toEqual(new Set([0, 1, 2, 3]))
  })

  it('are an interval apart without jitter', () => {
    for (const { timestampsMs } of seriesOf(scrapesOf({ ...fleet, jitterMs: 0, restartsPerHour: 0 }, 20))) {
      expect(new Set(stepsOf(timestampsMs))).toEqual(new Set([fleet.intervalMs]))
    }
  })

  it('are spread over the interval, and come in order', () => {
    const times = scrapesOf({ ...fleet, seriesCount: 30_000, jitterMs: 0 }, 2).map(({ timestampMs }) => timestampMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const quarters = new Set(times.map((time) => Math.floor((time - fleet.startMs) / (fleet.intervalMs / 4))))
    expect(quarters).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
  })
})

describe('an interval that is left early', () => {
  it('leaves out its other targets and is followed by the next one', () => {
    const generator = new SampleGenerator(fleet)
    for (const { timestampMs } of generator.nextInterval()) {
      expect(timestampMs).toBeLessThan(fleet.startMs + fleet.intervalMs)
      break
    }
    expect(generator.now).toBe(fleet.startMs + fleet.intervalMs)
    const [next] = generator.nextInterval()
    expect(next?.timestampMs).toBeGreaterThanOrEqual(fleet.startMs + fleet.intervalMs)
  })
})

describe('options', () => {
  it.each<[keyof GeneratorOptions, number[]]>([
    ['seed', [-1, 0.5, Number.NaN, 2 ** 53, Infinity]],
    ['seriesCount', [0, -5, 1.5, Number.NaN, Infinity, 4_000_001]],
    ['startMs', [-1, 0.5, Number.NaN, 8.64e15 + 2]],
    ['intervalMs', [0, -15_000, 0.5, Number.NaN, 86_400_001]],
    ['churnPerHour', [-0.1, 1.1, Number.NaN]],
    ['noise', [-0.1, 1.1, Number.NaN]],
    ['jitterMs', [-1, 0.5, 15_000, Number.NaN]],
    ['restartsPerHour', [-1, Number.NaN, Infinity]],
  ])('%s is refused by name when it is out of range', (name, values) => {
    for (const value of values) {
      const make = () => new SampleGenerator({ ...fleet, [name]: value })
      expect(make).toThrow(RangeError)
      expect(make).toThrow(`${name} is to be `)
      expect(make).toThrow(`not ${value}`)
    }
  })

  it('are taken at the ends of their ranges', () => {
    const ends: Partial<GeneratorOptions>[] = [
      { seed: 0 },
      { seed: Number.MAX_SAFE_INTEGER },
      { seriesCount: 1 },
      { startMs: 0 },
      { intervalMs: 1 },
      { intervalMs: 86_400_000 },
      { churnPerHour: 0, noise: 0, jitterMs: 0, restartsPerHour: 0 },
      { churnPerHour: 1, noise: 1, jitterMs: 14_999 },
    ]
    for (const end of ends) {
      const [first] = new SampleGenerator({ ...fleet, ...end }).nextInterval()
      expect(first?.values[0]).toBe(1)
    }
  })
})
