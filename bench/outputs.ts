/** Where a benchmark's results go, while it runs and at its end. */
import { checkWritable } from './command.ts'
import { messageOf } from './errors.ts'
import type { Options } from './options.ts'
import { whyNotWritten, whyTextNotWritten } from './report/json.ts'
import { allBrokenClaims, nameAt } from './report/places.ts'
import { Progress, type ShownPlan } from './report/progress.ts'
import { BenchMetrics } from './report/prometheus/metrics.ts'
import { type MetricsServer, serveMetrics } from './report/prometheus/server.ts'
import { checkTextfileName, writeTextfile } from './report/prometheus/textfile.ts'
import type { RunResult } from './run/result.ts'
import type { Watcher } from './run/run-all.ts'
import type { Environment } from './schema/environment.ts'
import type { Report } from './schema/report.ts'

type Files = Pick<Options, 'jsonFile' | 'htmlFile' | 'textFile' | 'metricsPort'>

/** @throws {UsageError} when one of the files could not be written in the end, as far as that can be told before */
export async function checkOutputs({ jsonFile, htmlFile, textFile }: Files): Promise<void> {
  if (textFile !== null) checkTextfileName(textFile)
  await checkWritable('--json', jsonFile)
  await checkWritable('--html', htmlFile)
  await checkWritable('--textfile', textFile)
}

export class Outputs implements Watcher<ShownPlan, RunResult> {
  private readonly progress = new Progress(process.stderr)
  private failed = false

  private constructor(
    private readonly files: Files,
    private readonly metrics: BenchMetrics,
    private readonly server: MetricsServer | null,
  ) {}

  /** @throws {UsageError} when the port cannot be had */
  static async open(files: Files, environment: Environment): Promise<Outputs> {
    const metrics = new BenchMetrics(environment)
    const { metricsPort } = files
    const server = metricsPort === null ? null : await serveMetrics(metrics.registry, metricsPort)
    if (server !== null) process.stderr.write(`metrics: ${server.url}\n`)
    return new Outputs(files, metrics, server)
  }

  runBegins(plan: ShownPlan, pending: readonly ShownPlan[]): void {
    this.progress.runBegins(plan, pending)
    this.metrics.progressed(this.progress.doneRatio(), this.progress.secondsLeft())
  }

  runEnded(plan: ShownPlan, result: RunResult, seconds: number): void {
    this.progress.runEnded(plan, result, seconds)
    this.metrics.progressed(this.progress.doneRatio(), this.progress.secondsLeft())
    if (result.state === 'measured') {
      this.metrics.runEnded(result)
    } else {
      this.metrics.notRun(result)
      this.failed ||= result.state === 'failed'
    }
  }

  /** Watches what is run on one of several file systems, which its metrics are told apart by. */
  at(place: string): Watcher<ShownPlan, RunResult> {
    return {
      runBegins: (plan, pending) => this.runBegins(plan, pending),
      runEnded: (plan, result, seconds) =>
        this.runEnded(plan, { ...result, workload: nameAt(result.workload, place) }, seconds),
    }
  }

  /** Takes the line of progress away: what follows are tables. */
  progressIsOver(): void {
    this.progress.close()
  }

  /** Whether a run has failed. */
  hasFailed(): boolean {
    return this.failed
  }

  /** Writes all files. @returns what could not be written, a sentence each */
  async write(report: Report): Promise<string[]> {
    for (const claim of allBrokenClaims(report)) this.metrics.claimBroken(claim)
    const { jsonFile, htmlFile, textFile } = this.files
    const problems: string[] = []
    const note = (option: string, why: string | null) => {
      if (why !== null) problems.push(`${option}: ${why}`)
    }
    if (jsonFile !== null) note('--json', await whyNotWritten(jsonFile, report))
    if (htmlFile !== null) {
      // Only now: what draws the charts takes longer to load than everything else.
      const { htmlPage } = await import('./report/html/page.ts')
      note('--html', await whyTextNotWritten(htmlFile, await htmlPage(report)))
    }
    if (textFile !== null) {
      const written = writeTextfile(textFile, this.metrics.registry)
      note('--textfile', await written.then(() => null, messageOf))
    }
    return problems
  }

  async close(): Promise<void> {
    this.progress.close()
    await this.server?.close()
  }
}
