import type { Watcher } from '../run/run-all.ts'
import type { NotRun, Situation } from '../schema/run.ts'
import { formatSeconds, MIB } from '../units.ts'

/** What progress is shown on; `process.stderr` has all of it. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Often enough for a clock in seconds; rare enough not to disturb what is measured. */
const REDRAW_EVERY_MS = 1000
const BAR_WIDTH = 20
/** Terminals that do not say how wide they are. */
const COLUMNS_DEFAULT = 80

/** What is shown of a run. */
export interface ShownPlan {
  readonly subject: string
  readonly workload: string
  readonly situation?: Situation
  readonly round: number
  readonly bytes: number
}

/** What is shown of a finished run. */
type Finished = { readonly state: 'measured'; readonly bytes: number; readonly seconds: number } | NotRun

/** A finished run and how long it took in all: memory, process, writing, checking. */
export interface TimedRun {
  readonly plan: ShownPlan
  readonly seconds: number
}

/**
 * Seconds that the pending runs are going to take. A run takes what the same subject took on the same workload before;
 * in the first round, what runs on this workload took so far, or else what their bytes took.
 *
 * @returns `null` before the first run has finished.
 */
export function estimateSecondsLeft(done: readonly TimedRun[], pending: readonly ShownPlan[]): number | null {
  if (done.length === 0) return null
  const allSecondsPerByte = sum(done, (run) => run.seconds) / sum(done, (run) => run.plan.bytes)
  return sum(pending, (plan) => {
    const sameWorkload = done.filter(
      (run) => run.plan.workload === plan.workload && run.plan.situation === plan.situation,
    )
    const same = sameWorkload.filter((run) => run.plan.subject === plan.subject)
    const basis = same.length > 0 ? same : sameWorkload
    return basis.length > 0 ? sum(basis, (run) => run.seconds) / basis.length : allSecondsPerByte * plan.bytes
  })
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0)
}

/** One line that is redrawn on a terminal; elsewhere a line for each finished run. */
export class Progress implements Watcher<ShownPlan, Finished> {
  private readonly output: ProgressOutput
  private readonly done: TimedRun[] = []
  private current: { readonly plan: ShownPlan; readonly left: number | null; readonly total: number } | null = null
  private currentStartedAtMs = 0
  private timer: NodeJS.Timeout | undefined

  constructor(output: ProgressOutput) {
    this.output = output
  }

  runBegins(plan: ShownPlan, pending: readonly ShownPlan[]): void {
    const left = estimateSecondsLeft(this.done, pending)
    this.current = { plan, left, total: this.done.length + pending.length }
    this.currentStartedAtMs = performance.now()
    if (this.output.isTTY !== true) return
    this.redraw()
    this.timer ??= setInterval(() => this.redraw(), REDRAW_EVERY_MS).unref()
  }

  runEnded(plan: ShownPlan, result: Finished, seconds: number): void {
    this.done.push({ plan, seconds })
    if (this.output.isTTY === true) return
    const outcome = result.state === 'measured' ? rateOf(result) : `${result.state}: ${result.code}`
    const total = this.current?.total ?? this.done.length
    this.output.write(
      `${this.done.length}/${total}  round ${plan.round}  ${plan.workload}  ${nameOf(plan)}  ${outcome}\n`,
    )
  }

  /** Of the planned runs, those that have ended: 0 to 1. */
  doneRatio(): number {
    return this.current === null ? 0 : this.done.length / this.current.total
  }

  /** Estimated when the current run began; `null` before the first one has ended. */
  secondsLeft(): number | null {
    return this.current?.left ?? null
  }

  /** Takes the line away and stops. */
  close(): void {
    clearInterval(this.timer)
    if (this.output.isTTY === true) this.output.write('\r\x1b[K')
  }

  private redraw(): void {
    if (this.current === null) return
    const { plan, left, total } = this.current
    const share = this.done.length / total
    const filled = Math.round(share * BAR_WIDTH)
    const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`
    const elapsedSeconds = (performance.now() - this.currentStartedAtMs) / 1e3
    const timeLeft = left === null ? '' : `  about ${formatSeconds(left - elapsedSeconds)} left`
    const what = `round ${plan.round}  ${plan.workload}  ${nameOf(plan)}`
    const line = `[${bar}] ${this.done.length + 1}/${total}  ${what}${timeLeft}`
    // A line that wraps could not be redrawn.
    const widthMax = (this.output.columns ?? COLUMNS_DEFAULT) - 1
    this.output.write(`\r\x1b[K${line.slice(0, widthMax)}`)
  }
}

function nameOf({ subject, situation }: ShownPlan): string {
  return situation === undefined || situation === 'alone' ? subject : `${subject}, ${situation}`
}

function rateOf({ bytes, seconds }: { readonly bytes: number; readonly seconds: number }): string {
  return bytes === 0 ? formatSeconds(seconds) : `${(bytes / MIB / seconds).toFixed(0)} MiB/s`
}
