/** The command line of the benchmark: choose, run, report. */
import { resolve } from 'node:path'
import { pageCacheOf } from 'uncached-io'
import { messageOf } from './errors.ts'
import { helpText } from './help.ts'
import { type Interruption, watchForInterruption } from './interruption.ts'
import { readEnvironment } from './measure/environment.ts'
import { type Options, readOptions, UsageError } from './options.ts'
import { packageFile, packageFolder, packageVersion } from './package.ts'
import { jsonReport, whyNotWritable, whyNotWritten } from './report/json.ts'
import { Progress } from './report/progress.ts'
import { summarize } from './report/summary.ts'
import { environmentLines, legendLines, type WorkloadReport, workloadLines } from './report/terminal.ts'
import { type AllResults, runAll } from './run/run-all.ts'
import { runOne, timeLimitMsFor } from './run/run-one.ts'
import { makeWorkFolder, whyNotUsable, whyTooLittleSpace } from './run/work-folder.ts'
import { BASELINE_NAME, subjectNamed, subjects } from './subjects/index.ts'
import { formatSeconds } from './units.ts'
import { workloadNamed, workloads } from './workloads/index.ts'

/** Something outside of the benchmark is in the way: told without a stack. */
class CannotGoOn extends Error {}

const EXIT_FAILED = 1
const EXIT_USAGE = 2

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    subjects: subjects.map(({ name }) => name),
    workloads: workloads.map(({ name }) => name),
  })
  if (options === 'help') {
    process.stdout.write(helpText(subjects, workloads))
    return 0
  }
  const interruption = watchForInterruption()
  try {
    return await bench(options, interruption)
  } finally {
    interruption.stop()
  }
}

async function bench(options: Options, interruption: Interruption): Promise<number> {
  const startedAtMs = performance.now()
  const chosen = options.workloads.map((name) => ({ name, bytes: bytesFor(name, options) }))
  const dir = resolve(options.dir ?? packageFolder)
  await checkBeforehand(options, dir, Math.max(...chosen.map(({ bytes }) => bytes)))

  const environment = await readEnvironment(dir, packageVersion, await footprintSource())
  print([...environmentLines(environment), ''])
  const all = await runInFolder(options, dir, chosen, interruption.signal)

  const reports = chosen.map((workload) => reportOn(workload, options, all))
  const json = jsonReport(environment, all, reports)
  // Before anything is printed: whoever reads the tables may have gone away meanwhile.
  const notWritten = options.jsonFile === null ? null : await whyNotWritten(options.jsonFile, json)
  if (all.results.length > 0) {
    for (const report of reports) print([...workloadLines(report, useColour()), ''])
    print([...legendLines(), ''])
  }
  print(closingLines(options, all, (performance.now() - startedAtMs) / 1e3))
  if (notWritten !== null) throw new CannotGoOn(`--json: ${notWritten}`)
  return interruption.exitCode() ?? (all.results.some(({ state }) => state === 'failed') ? EXIT_FAILED : 0)
}

function bytesFor(workloadName: string, options: Options): number {
  const workload = workloadNamed(workloadName)
  return options.bytes ?? (options.quick ? workload.quickBytes : workload.defaultBytes)
}

async function checkBeforehand(options: Options, dir: string, largestFileBytes: number): Promise<void> {
  if (process.platform !== 'linux') throw new CannotGoOn('the page cache can only be measured on Linux')
  const notUsable = await whyNotUsable(dir)
  if (notUsable !== null) throw new UsageError(options.dir === null ? notUsable : `--dir: ${notUsable}`)
  const notWritable = options.jsonFile === null ? null : await whyNotWritable(options.jsonFile)
  if (notWritable !== null) throw new UsageError(`--json: ${notWritable}`)
  const tooLittleSpace = await whyTooLittleSpace(dir, largestFileBytes)
  if (tooLittleSpace !== null) throw new CannotGoOn(tooLittleSpace)
}

/** Asked of any file: without footprints there is nothing to show, and a missing addon is found out here as well. */
async function footprintSource(): Promise<string> {
  try {
    return (await pageCacheOf(packageFile)).source
  } catch (error) {
    throw new CannotGoOn(`the page cache cannot be measured: ${messageOf(error)}`, { cause: error })
  }
}

async function runInFolder(
  options: Options,
  dir: string,
  chosen: readonly { readonly name: string; readonly bytes: number }[],
  signal: AbortSignal,
): Promise<AllResults> {
  const folder = await makeWorkFolder(dir)
  const progress = new Progress(process.stderr)
  const context = {
    folder: folder.path,
    runScript: new URL('./run/run-child.js', import.meta.url),
    memoryScript: new URL('./measure/warm-memory-child.js', import.meta.url),
    residentBytesOf: async (path: string) => (await pageCacheOf(path)).residentBytes,
    timeLimitMs: timeLimitMsFor,
    signal,
  }
  try {
    return await runAll(options, chosen, (plan) => runOne(plan, context), progress, signal)
  } finally {
    progress.close()
    folder.remove()
  }
}

function reportOn(
  { name, bytes }: { readonly name: string; readonly bytes: number },
  options: Options,
  all: AllResults,
): WorkloadReport {
  const { summary } = workloadNamed(name)
  const rows = summarize(all.results, name, options.subjects.map(subjectNamed), BASELINE_NAME)
  // An interrupted round counts where it got to.
  const rounds = Math.max(all.roundsDone, ...rows.map((row) => row.roundsMeasured))
  return { name, summary, bytes, rounds, subjects: rows }
}

function closingLines(options: Options, all: AllResults, seconds: number): string[] {
  const lines = [`${all.results.length} runs in ${formatSeconds(seconds)}.`]
  if (all.stoppedBy === 'time-budget') {
    lines.push(`Only ${all.roundsDone} of ${options.rounds} rounds fitted into the time; --rounds asks for more.`)
  }
  if (all.stoppedBy === 'signal') lines.push('Interrupted: what was finished until then is kept.')
  return lines
}

function useColour(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const expected = error instanceof UsageError || error instanceof CannotGoOn
  const text = error instanceof Error && !expected ? error.stack : messageOf(error)
  process.stderr.write(`bench: ${text}\n`)
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED
}
