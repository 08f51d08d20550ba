import { describe, expect, it } from 'vitest'
import { advance, BUCKET_BOUNDS } from '../../bench/tsdb/samples/shapes.ts'
import { fleet, histogramsOf, label, type SeenSeries, scrapesOf, seriesOf, stepsOf } from './support/generated.ts'

const COUNTER = /_(total|bucket|count|sum)$/
const steady = { ...fleet, churnPerHour: 0, restartsPerHour: 0 }
const seen = seriesOf(scrapesOf(steady, 200))
const named = (pattern: RegExp) => {
  const found = seen.filter(({ name }) => pattern.test(name))
  expect(found, String(pattern)).not.toHaveLength(0)
  return found
}
const moves = ({ values }: SeenSeries) => new Set(values).size > 1

const bucketsOf = (histogram: readonly SeenSeries[]) => histogram.filter(({ name }) => name.endsWith('_bucket'))
const valuesOf = (histogram: readonly SeenSeries[], ending: string) =>
  histogram.find(({ name }) => name.endsWith(ending))!.values
/** The series of a quiet fleet that are not all whole numbers. */
const measuredOf = (noise: number) =>
  seriesOf(scrapesOf({ ...steady, seriesCount: 3000, noise }, 20)).filter(
    ({ values }) => !values.every(Number.isInteger),
  )
const beginMs = ({ timestampsMs }: SeenSeries) => timestampsMs[0]!
const lives = ({ timestampsMs }: SeenSeries) => timestampsMs.length

describe('counters', () => {
  it('never fall while nothing restarts', () => {
    for (const { name, values } of named(COUNTER)) {
      for (const step of stepsOf(values)) if (step < 0) expect.fail(`${name} falls by ${-step}`)
    }
  })

  it('have counted before the first scrape', () => {
    const bytes = named(/^node_network_receive_bytes_total$/)
    expect(bytes.every(({ values }) => values[0]! > 1e6)).toBe(true)
  })

  it('are whole numbers, of which some stand still and others move', () => {
    const counters = named(/^(node_network|node_disk_\w+(bytes|completed)|http_requests).*_total$/)
    for (const { values } of counters) expect(values.every(Number.isSafeInteger)).toBe(true)
    const moving = counters.filter(moves).length / counters.length
    expect(moving).toBeGreaterThan(0.25)
    expect(moving).toBeLessThan(0.75)
  })

  it('of seldom events grow, by one now and then', () => {
    const steps = named(/_drop_total$/).flatMap(({ values }) => stepsOf(values))
    expect(new Set(steps)).toEqual(new Set([0, 1]))
  })

  it('of CPU time are hundredths of seconds, and the modes of a CPU do not outrun the clock', () => {
    const perCpu = new Map<string, number>()
    for (const series of named(/^node_cpu_seconds_total$/)) {
      const { values } = series
      expect(values.every((value) => value === Math.round(value * 100) / 100)).toBe(true)
      const cpu = `${label(series, 'instance')} ${label(series, 'cpu')}`
      perCpu.set(cpu, (perCpu.get(cpu) ?? 0) + values.at(-1)! - values[0]!)
    }
    for (const seconds of perCpu.values()) {
      expect(seconds).toBeGreaterThan(0.2 * 199 * 15)
      expect(seconds).toBeLessThanOrEqual(199 * 15)
    }
  })

  it('begin anew after a restart, and only then', () => {
    const series = seriesOf(scrapesOf({ ...fleet, churnPerHour: 0, restartsPerHour: 10 }, 200))
    let resets = 0
    for (const { name, values, afterFailure } of series.filter((one) => COUNTER.test(one.name))) {
      for (const [index, step] of stepsOf(values).entries()) {
        const restarted = afterFailure[index + 1]!
        if (step < 0 && !restarted) expect.fail(`${name} falls by ${-step} without a restart`)
        if (step < 0) resets++
      }
    }
    expect(resets).toBeGreaterThan(1000)
  })

  it('begin with what one interval counts after a restart', () => {
    const [before, after] = [steady, { ...steady, restartsPerHour: 10 }].map((options) =>
      seriesOf(scrapesOf(options, 200)).filter(({ name }) => name === 'node_cpu_seconds_total'),
    )
    const firstAfter = after!.flatMap(({ values, afterFailure }) => values.filter((_, index) => afterFailure[index]))
    expect(firstAfter.length).toBeGreaterThan(10)
    expect(Math.max(...firstAfter)).toBeLessThanOrEqual(15)
    expect(Math.min(...before!.map(({ values }) => values[0]!))).toBeGreaterThan(15)
  })
})

describe('a restart', () => {
  it('is a scrape that fails, and the start time from there on', () => {
    const scrapes = scrapesOf({ ...fleet, churnPerHour: 0, restartsPerHour: 10 }, 200)
    const starts = new Map<number, number>()
    let restarts = 0
    for (const { series, values, failed, timestampMs } of scrapes) {
      const target = series[0]!.id
      if (failed) {
        restarts++
        starts.set(target, Math.floor(timestampMs / 1000))
        continue
      }
      const place = series.findIndex((one) => /_(boot|start)_time_seconds$/.test(label(one, '__name__')!))
      const known = starts.get(target)
      if (known === undefined) {
        expect(values[place]).toBeLessThanOrEqual(fleet.startMs / 1000)
        starts.set(target, values[place]!)
      } else expect(values[place]).toBe(known)
    }
    // 8 targets, 50 minutes, 10 an hour: 67 on average.
    expect(restarts).toBeGreaterThan(40)
    expect(restarts).toBeLessThan(100)
  })

  it('happens in half of the scrapes at most', () => {
    const scrapes = scrapesOf({ ...fleet, restartsPerHour: 1e9 }, 200)
    const failing = scrapes.filter(({ failed }) => failed).length / scrapes.length
    expect(failing).toBeGreaterThan(0.4)
    expect(failing).toBeLessThan(0.6)
  })
})

describe('histograms', () => {
  const histograms = [...histogramsOf(seen).values()]

  it('have the buckets of the client libraries in order, a sum and a count', () => {
    expect(histograms.length).toBeGreaterThan(8)
    for (const series of histograms) {
      const bounds = bucketsOf(series).map((one) => label(one, 'le'))
      expect(bounds).toEqual([...BUCKET_BOUNDS.map(String), '+Inf'])
      expect(bounds.map((le) => Number(le!.replace('+Inf', 'Infinity')))).toEqual([...BUCKET_BOUNDS, Infinity])
      expect(series.map(({ name }) => name.slice(29)).slice(-2)).toEqual(['_sum', '_count'])
      expect(series).toHaveLength(14)
    }
  })

  it('count in each bucket what the smaller ones count, and all in the last one', () => {
    for (const series of histograms) {
      const buckets = bucketsOf(series)
      for (const [index, count] of valuesOf(series, '_count').entries()) {
        const cumulative = buckets.map(({ values }) => values[index]!)
        expect(cumulative).toEqual(cumulative.toSorted((a, b) => a - b))
        expect(cumulative.at(-1)).toBe(count)
        expect(cumulative.every(Number.isSafeInteger)).toBe(true)
      }
    }
  })

  it('add to the sum what observations in their buckets can add', () => {
    for (const series of histograms) {
      const bucketSteps = bucketsOf(series).map(({ values }) => stepsOf(values))
      for (const [index, added] of stepsOf(valuesOf(series, '_sum')).entries()) {
        const inBuckets = bucketSteps.map((steps, bucket) => steps[index]! - (bucketSteps[bucket - 1]?.[index] ?? 0))
        const limit = (bounds: readonly number[]) => inBuckets.reduce((sum, count, b) => sum + count * bounds[b]!, 0)
        // The sum is a float of some thousands: what it adds is exact to a billionth.
        expect(added).toBeGreaterThanOrEqual(limit([0, ...BUCKET_BOUNDS]) - 1e-6)
        expect(added).toBeLessThanOrEqual(limit([...BUCKET_BOUNDS, 20]) + 1e-6)
      }
    }
  })

  it('are idle, or have observations in every bucket', () => {
    const busy = histograms.filter((series) => series.some(moves))
    expect(busy.length).toBeGreaterThan(histograms.length / 4)
    expect(busy.length).toBeLessThan(histograms.length)
    for (const series of busy) expect(bucketsOf(series).every(moves)).toBe(true)
  })
})

describe('gauges', () => {
  it('that are counts go up where they can not go down', () => {
    const values = Float64Array.of(0, 5, 0)
    // Small words let them change, odd ones downwards.
    const words = Uint32Array.of(1, 1, 2)
    advance({ shape: 'steady-gauge', start: 0, end: 3 }, { values, scales: new Float64Array(3) }, words)
    expect([...values]).toEqual([1, 4, 1])
  })

  it('of sizes are whole pages, more than none, and move', () => {
    for (const series of named(/^(node_memory_(?!MemTotal)\w+|node_filesystem_avail|process_resident_memory)_bytes$/)) {
      expect(series.values.every((value) => value > 0 && value % 4096 === 0)).toBe(true)
      expect(moves(series)).toBe(true)
    }
  })

  it('that are counts change by one, seldom, and do not fall below zero', () => {
    const steps = named(/^(app_queue_length|go_goroutines|go_threads|process_open_fds|node_procs_running)$/).flatMap(
      ({ values }) => {
        expect(values.every((value) => value >= 0)).toBe(true)
        return stepsOf(values)
      },
    )
    expect(new Set(steps)).toEqual(new Set([0, 1, -1]))
    const changing = steps.filter((step) => step !== 0).length / steps.length
    expect(changing).toBeGreaterThan(1 / 128)
    expect(changing).toBeLessThan(1 / 32)
  })

  it('that are measurements have full mantissas and stay around their mean, above zero or below', () => {
    const gauges = named(/^(node_load|app_queue_wait|rpc_latency|node_timex|node_hwmon)/)
    for (const { values, name } of gauges) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      expect(Math.sign(mean)).toBe(name === 'node_timex_offset_seconds' ? -1 : 1)
      expect(values.every((value) => value / mean > 1 / 3 && value / mean < 3)).toBe(true)
      expect(new Set(values).size).toBe(values.length)
      // Of 52 bits of the mantissa the last 20 are hardly ever zero: they are no fractions of a few bits.
      expect(values.filter((value) => value * 2 ** 32 === Math.round(value * 2 ** 32)).length).toBeLessThan(3)
    }
  })

  it('that are constant hold still', () => {
    for (const series of named(/(_info|_size_bytes|_MemTotal_bytes|_max_fds|^up)$/)) expect(moves(series)).toBe(false)
    for (const { values } of named(/_info$/)) expect(values[0]).toBe(1)
  })
})

describe('noise', () => {
  it.each([0.1, 0.25, 0.5, 0.75, 0.9])('is the share of series that are no whole numbers: %d', (noise) => {
    expect(Math.abs(measuredOf(noise).length / 3000 - noise)).toBeLessThan(0.01)
  })

  it('is a tenth unless it is said', () => {
    const fractional = seen.filter(({ values }) => !values.every(Number.isInteger))
    expect(Math.abs(fractional.length / seen.length - 0.1)).toBeLessThan(0.01)
  })

  it('of 0 leaves scrape durations and the sums of histograms', () => {
    const names = new Set(measuredOf(0).map(({ name }) => name))
    expect(names).toEqual(new Set(['scrape_duration_seconds', 'http_request_duration_seconds_sum']))
  })

  it('of 1 leaves what is known about targets', () => {
    const measured = new Set(measuredOf(1).map(({ id }) => id))
    const whole = seriesOf(scrapesOf({ ...steady, seriesCount: 3000, noise: 1 }, 20)).filter(
      ({ id }) => !measured.has(id),
    )
    const names = new Set(whole.map(({ name }) => name).filter((name) => !name.endsWith('_info')))
    expect(names).toEqual(new Set(['up', 'scrape_samples_scraped']))
  })
})

describe('churn', () => {
  const hour = 60
  const options = { ...fleet, seriesCount: 6000, intervalMs: 60_000, churnPerHour: 0.5, restartsPerHour: 0 }
  const scrapes = scrapesOf(options, 2 * hour + 1)
  const ups = seriesOf(scrapes).filter(({ name }) => name === 'up')
  const pods = ups.filter((up) => label(up, 'pod') !== undefined)

  const intervalOf = (timestampMs: number) => Math.floor((timestampMs - options.startMs) / options.intervalMs)

  it('replaces the share of pods that was asked for, hour by hour', () => {
    const fleetSize = pods.filter((pod) => beginMs(pod) < options.startMs + options.intervalMs).length
    expect(fleetSize).toBe(13)
    const begunAfter = (hours: number) =>
      pods.filter((pod) => beginMs(pod) < options.startMs + hours * 3_600_000 + options.intervalMs).length - fleetSize
    expect([begunAfter(1), begunAfter(2)]).toEqual([6, 13])
  })

  it('ends all series of a pod when those of its successor begin', () => {
    const ended = pods.filter(({ timestampsMs }) => intervalOf(timestampsMs.at(-1)!) < 2 * hour)
    const begun = pods.filter((pod) => intervalOf(beginMs(pod)) > 0)
    expect(ended).toHaveLength(begun.length)
    const ends = ended.map((pod) => `${intervalOf(pod.timestampsMs.at(-1)!) + 1} ${label(pod, 'job')}`)
    expect(ends.toSorted()).toEqual(begun.map((pod) => `${intervalOf(beginMs(pod))} ${label(pod, 'job')}`).toSorted())
    for (const { timestampsMs } of pods) {
      const steps = stepsOf(timestampsMs).map((step) => Math.round(step / options.intervalMs))
      expect(steps.every((step) => step === 1)).toBe(true)
    }
  })

  it('gives each pod a name of its own, within its deployment', () => {
    expect(new Set(pods.map((pod) => label(pod, 'pod'))).size).toBe(pods.length)
    for (const pod of pods) expect(label(pod, 'pod')).toMatch(new RegExp(`^${label(pod, 'job')}-[b-z2-9]{5}$`))
  })

  it('lets counters of a new pod begin near zero', () => {
    const begun = pods.filter((pod) => beginMs(pod) >= options.startMs + options.intervalMs)
    const news = new Set(begun.map((pod) => label(pod, 'pod')))
    const cpu = seriesOf(scrapes).filter(({ name }) => name === 'process_cpu_seconds_total')
    for (const series of cpu) {
      const isNew = news.has(label(series, 'pod'))
      // Of one CPU for one interval at most.
      expect(series.values[0]! < 60).toBe(isNew)
    }
  })

  it('leaves nodes as they are', () => {
    const nodes = ups.filter((up) => label(up, 'job') === 'node')
    expect(nodes).toHaveLength(7)
    for (const node of nodes) expect(lives(node)).toBe(2 * hour + 1)
  })

  it('does not happen at 0', () => {
    const still = seriesOf(scrapesOf({ ...options, seriesCount: 1000, churnPerHour: 0 }, hour))
    expect(still).toHaveLength(1000)
  })

  it('replaces each pod once when an interval is an hour', () => {
    const each = seriesOf(scrapesOf({ ...options, churnPerHour: 1, intervalMs: 3_600_000 }, 5))
    for (const pod of each.filter((one) => label(one, 'pod') !== undefined)) expect(lives(pod)).toBe(1)
  })

  it('lets each pod be scraped before it is replaced, also while everything restarts', () => {
    const restless = { ...options, churnPerHour: 1, intervalMs: 3_600_000, restartsPerHour: 1e9 }
    const each = seriesOf(scrapesOf(restless, 5)).filter((one) => label(one, 'pod') !== undefined)
    // 13 pods of 300 series, five times.
    expect(each).toHaveLength(5 * 13 * 300)
  })
})
