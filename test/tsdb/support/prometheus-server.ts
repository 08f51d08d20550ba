import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareLabels, compareText } from '../../../bench/tsdb/labels.ts'
import { parseNumber, type SeriesResult } from './go-text.ts'
import { pathOfTool } from './tools.ts'

/** What `/api/v1/status/tsdb` says about the head: what came from the WAL. */
export interface HeadStats {
  readonly numSeries: number
  readonly numLabelPairs: number
  readonly chunkCount: number
  /** Milliseconds. An empty head's times are where the last block ends; without blocks, about 2^63 and -2^63. */
  readonly minTime: number
  readonly maxTime: number
}

/** A server looks whether it is ready 20 times a second, for 50 s: longer than the tests' WALs take, less than a test may. */
const READY_EVERY_MS = 50
const READY_TRIES_MAX = 1000
/** On the loopback interface a server that can answer does so at once. */
const READY_ANSWER_LIMIT_MS = 1000
/** Two minutes are the server's own limit for a query. */
const REQUEST_LIMIT_MS = 120_000
/** A server without work ends in a tenth of a second; one that takes this long hangs. */
const STOP_LIMIT_MS = 10_000

/**
 * The command that serves a data folder on a free port of the loopback interface. Findings about Prometheus 2.42 as
 * Debian has it:
 * - An empty configuration, `/dev/null`, scrapes nothing and has no rules: nothing is appended.
 * - With a retention by size alone there is none by time, whatever the timestamps are.
 * - Every minute it compacts: a head that covers more than 1.5 times the minimum block duration becomes a block, and
 *   blocks are merged up to the maximum block duration. With both at a hundred years (hidden flags) neither happens.
 *   Blocks that overlap are merged all the same, from a minute after the start on: no flag keeps it from that.
 * - Debian's has no lock file unless asked for one; `--storage.tsdb.no-lockfile` is not known to it.
 * - `setpriv` has the kernel kill the server when the process that started it ends, in whatever way.
 */
export function serverCommand(dataFolder: string): [command: string, ...args: string[]] {
  return [
    pathOfTool('setpriv'),
    '--pdeathsig=KILL',
    pathOfTool('prometheus'),
    '--config.file=/dev/null',
    '--web.listen-address=127.0.0.1:0',
    `--storage.tsdb.path=${dataFolder}`,
    '--storage.tsdb.retention.size=1EB',
    '--storage.tsdb.min-block-duration=100y',
    '--storage.tsdb.max-block-duration=100y',
  ]
}

/**
 * Starts Prometheus on a data folder, and waits until it is ready to be asked. It works in the folder itself:
 * - it adds `chunks_head`, `queries.active` and a WAL segment;
 * - it repairs a corrupt WAL, by cutting it off there;
 * - it removes unfinished blocks (`*.tmp-for-creation`, `*.tmp-for-deletion`) and blocks that are parents of another one;
 * - it leaves out a block whose meta.json it can't read, and only says so in its log.
 *
 * @throws {Error} with its log when it ends at once, as for a block that can't be opened, or doesn't get ready; and for a
 *   folder that is not there, which Prometheus would make.
 */
export async function startPrometheus(dataFolder: string): Promise<PrometheusServer> {
  if (!statSync(dataFolder).isDirectory()) throw new Error(`${dataFolder} is no folder`)
  const child = new ServerProcess(dataFolder)
  try {
    return new PrometheusServer(child, await child.ready())
  } catch (error) {
    await child.kill()
    throw error
  }
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error
}

/** The process of a server, from its start to its end. */
class ServerProcess {
  log = ''
  readonly pid: number | undefined
  readonly ended: Promise<End>
  private end: End | null = null
  private readonly child

  constructor(private readonly dataFolder: string) {
    const [command, ...args] = serverCommand(dataFolder)
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.pid = this.child.pid
    for (const output of [this.child.stdout, this.child.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    }
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve({ code: null, signal: null, error }))
      this.child.once('close', (code, signal) => resolve({ code, signal }))
    })
    void this.ended.then((end) => (this.end = end))
  }

  /** @returns its URL. @throws {Error} when it ends instead of getting ready, or takes too long. */
  async ready(): Promise<string> {
    for (let tries = 0; tries < READY_TRIES_MAX; tries++) {
      if (this.end !== null) throw this.failure(`ended at its start (${describeEnd(this.end)})`)
      const port = /msg="Listening on" address=127\.0\.0\.1:(\d+)\n/.exec(this.log)?.[1]
      if (port !== undefined && (await isReady(`http://127.0.0.1:${port}`))) return `http://127.0.0.1:${port}`
      await sleep(READY_EVERY_MS)
    }
    throw this.failure(`is not ready after ${READY_TRIES_MAX} tries`)
  }

  /** Ends it by SIGTERM. @throws {Error} when it had ended before, ends badly or has to be killed. */
  async stop(limitMs: number): Promise<void> {
    if (this.end !== null) throw this.failure(`had ended before it was stopped (${describeEnd(this.end)})`)
    this.child.kill('SIGTERM')
    const waiting = new AbortController()
    const tooLate = sleep(limitMs, null, { signal: waiting.signal }).catch(() => null)
    const end = await Promise.race([this.ended, tooLate])
    waiting.abort()
    if (end === null) {
      await this.kill()
      throw this.failure(`had to be killed ${limitMs} ms after SIGTERM`)
    }
    if (end.code !== 0) throw this.failure(`ended badly (${describeEnd(end)})`)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }

  private failure(what: string): Error {
    return new Error(`Prometheus on ${this.dataFolder} ${what}. Its log:\n${this.log}`)
  }
}

function describeEnd({ code, signal, error }: End): string {
  return error?.message ?? signal ?? `exit code ${code}`
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(READY_ANSWER_LIMIT_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    // It may be on its way to its end: the next look at the process tells.
    return false
  }
}

/** A Prometheus server that answers questions about a data folder. Made by {@link startPrometheus}. */
export class PrometheusServer {
  private stopping: Promise<void> | null = null

  constructor(
    private readonly process: ServerProcess,
    /** `http://127.0.0.1:PORT`, without a slash at its end. */
    readonly url: string,
  ) {}

  /** Of the server itself: setpriv has made way for it. */
  get pid(): number {
    return this.process.pid!
  }

  /** What it has said so far, a line for each message: `level=warn ... msg="Encountered WAL read error, ..."`. */
  get log(): string {
    return this.process.log
  }

  /**
   * Evaluates an expression at `startMs`, `startMs + stepMs` and so on up to `endMs` (`/api/v1/query_range`). A selector
   * gives the last sample of each series that is not older than five minutes. At most 11 000 points a series.
   *
   * @returns the series, sorted by labels. @throws {Error} with Prometheus's own, also for a chunk that can't be read.
   */
  async queryRange(promql: string, startMs: number, endMs: number, stepMs: number): Promise<SeriesResult[]> {
    const times = { start: secondsOf(startMs), end: secondsOf(endMs), step: `${stepMs}ms` }
    return this.matrix('/api/v1/query_range', { query: promql, ...times })
  }

  /**
   * The samples of a selector as they are stored, from `startMs` to `endMs`, both included: an instant query of
   * `selector[range]`, whose timestamps and values are exact. The left border of a range is in it in Prometheus 2 and not
   * in 3: the range is longer by a millisecond here, and what is too early is dropped. Markers of stale series are left
   * out by Prometheus.
   *
   * @returns the series that have samples then, sorted by labels. @throws {Error} as {@link queryRange} does.
   */
  async rawSamples(selector: string, startMs: number, endMs: number): Promise<SeriesResult[]> {
    const query = `${selector}[${endMs - startMs + 1}ms]`
    const found = await this.matrix('/api/v1/query', { query, time: secondsOf(endMs) })
    return found
      .map(({ labels, timestampsMs, values }) => {
        const begin = timestampsMs[0]! < startMs ? 1 : 0
        return { labels, timestampsMs: timestampsMs.slice(begin), values: values.slice(begin) }
      })
      .filter(({ values }) => values.length > 0)
  }

  /** @throws {Error} with Prometheus's own. */
  async tsdbStatus(): Promise<HeadStats> {
    const { headStats } = (await this.ask('/api/v1/status/tsdb')) as { headStats: HeadStats }
    return headStats
  }

  /**
   * Ends the server by SIGTERM, as an operator would. Its process is gone afterwards, in any case.
   *
   * @throws {Error} with its log when it had ended before or ends badly, and when it had to be killed after `limitMs`.
   */
  async stop(limitMs: number = STOP_LIMIT_MS): Promise<void> {
    this.stopping ??= this.process.stop(limitMs)
    await this.stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  private async matrix(path: string, parameters: Record<string, string>): Promise<SeriesResult[]> {
    const { resultType, result } = (await this.ask(path, parameters)) as { resultType: string; result: Matrix }
    if (resultType !== 'matrix') throw new Error(`${parameters.query} is no range of samples: ${resultType}`)
    return result.map(seriesOf).toSorted((a, b) => compareLabels(a.labels, b.labels))
  }

  /** Parameters go into the body: a selector may be longer than a URL. */
  private async ask(path: string, parameters?: Record<string, string>): Promise<unknown> {
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS)
    const post = parameters === undefined ? {} : { method: 'POST', body: new URLSearchParams(parameters) }
    const response = await fetch(`${this.url}${path}`, { signal, ...post })
    const answer = (await response.json()) as Answer
    if (answer.status === 'success' && answer.warnings === undefined) return answer.data
    const why = answer.error === undefined ? answer.warnings?.join('; ') : `${answer.errorType}: ${answer.error}`
    throw new Error(`Prometheus answers to ${parameters?.query ?? path}: ${why}`)
  }
}

/** https://prometheus.io/docs/prometheus/2.42/querying/api/#format-overview */
interface Answer {
  readonly status: 'success' | 'error'
  readonly data?: unknown
  readonly errorType?: string
  readonly error?: string
  readonly warnings?: readonly string[]
}

/** Timestamps are seconds with three decimals, values are text: JSON has no NaN. */
type Matrix = readonly {
  readonly metric: Readonly<Record<string, string>>
  readonly values?: readonly (readonly [seconds: number, value: string])[]
  readonly histograms?: readonly unknown[]
}[]

function seriesOf({ metric, values, histograms }: Matrix[number]): SeriesResult {
  if (values === undefined || histograms !== undefined) throw new Error('native histograms are not handled')
  return {
    labels: Object.entries(metric)
      .map(([name, value]) => ({ name, value }))
      .toSorted((a, b) => compareText(a.name, b.name)),
    timestampsMs: values.map(([seconds]) => Math.round(seconds * MS_PER_SECOND)),
    values: values.map(([, value]) => parseNumber(value)),
  }
}

const MS_PER_SECOND = 1000

/** A double of seconds is exact to the millisecond up to the year 70 000, and Prometheus rounds it to that. */
function secondsOf(timestampMs: number): string {
  return String(timestampMs / MS_PER_SECOND)
}
