import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type CloseEvent, channels, type DowngradeEvent, type ErrorEvent, type FlushEvent } from './diagnostics.ts'
import { argumentError } from './errors.ts'
import { checkNames, show } from './options.ts'
import { type Strategy, strategies } from './strategy.ts'
import type { WriterProgress } from './writer-progress.ts'

export interface MetricsOptions {
  /** Before every name. Default `uncached_io_`. */
  prefix?: string | undefined
}

/** Metrics that are kept until `stop`. */
export interface Metrics extends Disposable {
  /** Listens no more, and takes the metrics out of the registry. */
  stop(): void
}

/** What of a writer is added up over all of them: the difference since it was last looked at. */
const totals = {
  acceptedBytes: ['accepted_bytes_total', 'Bytes taken from callers'],
  writtenBytes: ['written_bytes_total', 'Bytes of callers in files, without a gap'],
  syncedBytes: ['synced_bytes_total', 'Bytes of callers that are durable'],
  paddedBytes: ['padded_bytes_total', 'Bytes written to fill last blocks'],
  tailRewrites: ['tail_rewrites_total', 'Last blocks written again because more came into them after a flush'],
} as const

type Total = keyof typeof totals
const totalNames = Object.keys(totals) as Total[]

/** From a write that the device's cache takes to one that waits behind gigabytes. In seconds. */
const latencyBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const nanosecondsPerSecond = 1e9

/** Of a file that was never opened. */
const noStrategy = 'none'

const knownOptions = new Set(Object.keys({ prefix: 0 } satisfies Record<keyof MetricsOptions, 0>))

/**
 * Keeps Prometheus metrics of all writers of this thread, by strategy and never by path, in the caller's registry. Counted is
 * what is written while this listens; files that were open before are known from their next flush, sync or end on.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
 * @throws prom-client's error when the registry has metrics of these names
 */
export function collectMetrics(registry: Registry, options: MetricsOptions = {}): Metrics {
  checkNames(options, knownOptions)
  const { prefix = 'uncached_io_' } = options
  if (typeof prefix !== 'string')
    throw argumentError('ERR_INVALID_ARG_TYPE', `prefix must be a string, not ${show(prefix)}`)
  const collector = new Collector(registry, prefix)
  collector.start()
  const stop = (): void => collector.stop()
  return { stop, [Symbol.dispose]: stop }
}

class Collector {
  /** Writers with an open file, and what was counted of that file. */
  readonly #writers = new Map<WriterProgress, Record<Total, number>>()
  readonly #names: string[] = []
  readonly #totals: Record<Total, Counter<'strategy'>>
  readonly #flushSeconds: Histogram<'strategy'>
  readonly #syncSeconds: Histogram<'strategy'>
  readonly #errors: Counter<'strategy' | 'code' | 'retryable'>
  readonly #downgrades: Counter<'from' | 'to'>
  readonly #listeners: readonly (readonly [channel: string, listen: (event: unknown) => void])[]

  constructor(
    private readonly registry: Registry,
    private readonly prefix: string,
  ) {
    const collect = (): void => this.#harvestAll()
    this.#totals = Object.fromEntries(
      totalNames.map((name) => {
        const [metric, help] = totals[name]
        return [name, new Counter({ ...this.#named(metric, help), labelNames: ['strategy'], collect })]
      }),
    ) as Record<Total, Counter<'strategy'>>
    this.#flushSeconds = this.#histogram('flush_seconds', 'Time from a flush to all accepted bytes being in the file')
    this.#syncSeconds = this.#histogram('sync_seconds', 'Time to make durable what is in the file')
    this.#errors = new Counter({
      ...this.#named('errors_total', 'Calls rejected because of the file, by the code of the error'),
      labelNames: ['strategy', 'code', 'retryable'],
    })
    this.#downgrades = new Counter({
      ...this.#named('downgrades_total', 'Files not written as was asked for'),
      labelNames: ['from', 'to'],
    })
    this.#gauge('open_files', 'Files open for writing', () => 1)
    this.#gauge('in_flight', 'Transfers whose memory is still needed', (writer) => writer.inFlight)
    this.#gauge('footprint_bytes', 'Page cache of open files that are verified, when last looked at', (writer) => {
      return writer.mode.footprint?.residentBytes ?? 0
    })
    this.#listeners = [
      [channels.open.name as string, (event) => this.#seen((event as FlushEvent).writer)],
      [channels.flush.name as string, (event) => this.#timed(this.#flushSeconds, event as FlushEvent)],
      [channels.sync.name as string, (event) => this.#timed(this.#syncSeconds, event as FlushEvent)],
      [channels.downgrade.name as string, (event) => this.#downgraded(event as DowngradeEvent)],
      [channels.error.name as string, (event) => this.#failed(event as ErrorEvent)],
      [channels.close.name as string, (event) => this.#closed(event as CloseEvent)],
    ]
  }

  start(): void {
    for (const [channel, listen] of this.#listeners) subscribe(channel, listen)
  }

  stop(): void {
    for (const [channel, listen] of this.#listeners) unsubscribe(channel, listen)
    for (const name of this.#names) this.registry.removeSingleMetric(name)
    this.#writers.clear()
  }

  #named(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    this.#names.push(this.prefix + name)
    return { name: this.prefix + name, help, registers: [this.registry] }
  }

  #histogram(name: string, help: string): Histogram<'strategy'> {
    return new Histogram({ ...this.#named(name, help), labelNames: ['strategy'], buckets: latencyBuckets })
  }

  /** A sum over the open files of each strategy. */
  #gauge(name: string, help: string, value: (writer: WriterProgress) => number): void {
    const writers = this.#writers
    const named = this.#named(name, help)
    void new Gauge({
      ...named,
      labelNames: ['strategy'],
      collect() {
        const sums = new Map<Strategy, number>(strategies.map((strategy) => [strategy, 0]))
        for (const writer of writers.keys()) {
          const { inEffect } = writer.mode
          sums.set(inEffect, (sums.get(inEffect) ?? 0) + value(writer))
        }
        for (const [strategy, sum] of sums) this.set({ strategy }, sum)
      },
    })
  }

  #seen(writer: WriterProgress): Record<Total, number> {
    const known = this.#writers.get(writer)
    if (known !== undefined) return known
    const counted = { acceptedBytes: 0, writtenBytes: 0, syncedBytes: 0, paddedBytes: 0, tailRewrites: 0 }
    this.#writers.set(writer, counted)
    return counted
  }

  #harvestAll(): void {
    for (const [writer, counted] of this.#writers) this.#harvest(writer, counted)
  }

  #harvest(writer: WriterProgress, counted: Record<Total, number>): void {
    const strategy = writer.mode.inEffect
    for (const name of totalNames) {
      // Accepted bytes go back when a call is rejected; a counter does not.
      const more = writer[name] - counted[name]
      if (more <= 0) continue
      this.#totals[name].inc({ strategy }, more)
      counted[name] += more
    }
  }

  #timed(histogram: Histogram<'strategy'>, { writer, latencyNs }: FlushEvent): void {
    this.#seen(writer)
    histogram.observe({ strategy: writer.mode.inEffect }, latencyNs / nanosecondsPerSecond)
  }

  #downgraded({ from, to }: DowngradeEvent): void {
    this.#downgrades.inc({ from, to })
  }

  #failed({ writer, code, retryable }: ErrorEvent): void {
    const strategy = writer === null ? noStrategy : writer.mode.inEffect
    this.#errors.inc({ strategy, code, retryable: String(retryable) })
  }

  #closed({ writer }: CloseEvent): void {
    this.#harvest(writer, this.#seen(writer))
    this.#writers.delete(writer)
  }
}
