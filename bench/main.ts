/** The command line of the benchmark: choose, run, report. */
import { resolve } from 'node:path'
import { UsageError } from './arguments.ts'
import { FIO_NAME } from './ceiling/fio.ts'
import { CannotGoOn, checkBeforehand, EXIT_FAILED, footprintSource, print, runCommand, useColour } from './command.ts'
import { helpText } from './help.ts'
import { type Interruption, watchForInterruption } from './interruption.ts'
import { type Around, makeCgroup, whatIsAround } from './measure/around.ts'
import { readEnvironment } from './measure/environment.ts'
import { residentBytesOf } from './measure/footprint.ts'
import { type Options, readOptions } from './options.ts'
import { packageFolder, packageVersion } from './package.ts'
import { jsonReport, whyNotWritten } from './report/json.ts'
import { Progress } from './report/progress.ts'
import { type ClaimingSubject, summarize } from './report/summary.ts'
import { environmentLines, legendLines, type WorkloadReport, workloadLines } from './report/terminal.ts'
import type { RunResult } from './run/result.ts'
import { type AllResults, runAll } from './run/run-all.ts'
import { runOne, timeLimitMsFor } from './run/run-one.ts'
import type { PlannedWorkload } from './run/schedule.ts'
import { setUpWorkload } from './run/set-up.ts'
import { makeWorkFolder, setUpFolderOf } from './run/work-folder.ts'
import { BASELINE_NAME, strategyNames, subjectNamed, subjects } from './subjects/index.ts'
import { formatBytes, formatSeconds } from './units.ts'
import { workloadNamed, workloads } from './workloads/index.ts'

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
  const asked = options.workloads.map((name) => chosenWorkload(name, options))
  const chosen = asked.filter(({ subjects: able }) => able.length > 0)
  if (chosen.length === 0) throw new UsageError(notAble(asked))
  const dir = resolve(options.dir ?? packageFolder)
  await checkBeforehand(options, dir, neededBytes(chosen))

  const around = await whatIsAround(dir)
  const environment = await readEnvironment(dir, packageVersion, await footprintSource(), around)
  print([...environmentLines(environment), ''])
  const all = await runInFolder(options, dir, chosen, around, interruption.signal)

  const reports = chosen.map((workload) => reportOn(workload, options, all))
  const json = jsonReport(environment, all, reports)
  // Before anything is printed: whoever reads the tables may have gone away meanwhile.
  const notWritten = options.jsonFile === null ? null : await whyNotWritten(options.jsonFile, json)
  if (all.results.length > 0) {
    for (const report of reports) print([...workloadLines(report, useColour()), ''])
    print([...legendLines(options.ceiling, reports, around), ''])
  }
  const leftOut = asked.filter((workload) => !chosen.includes(workload))
  print([
    ...(leftOut.length === 0 ? [] : [`Left out: ${notAble(leftOut)}.`]),
    ...closingLines(options, all, (performance.now() - startedAtMs) / 1e3),
  ])
  if (notWritten !== null) throw new CannotGoOn(`--json: ${notWritten}`)
  return interruption.exitCode() ?? (all.results.some(({ state }) => state === 'failed') ? EXIT_FAILED : 0)
}

/** What is said of workloads that none of the subjects asked for can do. */
function notAble(workloadsLeftOut: readonly PlannedWorkload[]): string {
  const names = workloadsLeftOut.map(({ name }) => name).join(', ')
  return `${names}: written through this package only, by the subjects ${strategyNames.join(', ')}`
}

/** A workload with how much it writes, and who of those asked for can do it. */
function chosenWorkload(name: string, options: Options): PlannedWorkload & { readonly subjects: readonly string[] } {
  const workload = workloadNamed(name)
  const bytes = options.bytes ?? (options.quick ? workload.quickBytes : workload.defaultBytes)
  return { name, bytes, subjects: rowsOf(options, name).map((row) => row.name) }
}

/** One file at a time, and what the runs start from all the time. */
function neededBytes(chosen: readonly PlannedWorkload[]): number {
  const setUp = chosen.filter(({ name }) => workloadNamed(name).setUp !== null)
  return Math.max(...chosen.map(({ bytes }) => bytes)) + setUp.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function runInFolder(
  options: Options,
  dir: string,
  chosen: readonly PlannedWorkload[],
  around: Around,
  signal: AbortSignal,
): Promise<AllResults> {
  const folder = await makeWorkFolder(dir)
  const progress = new Progress(process.stderr)
  const context = {
    folder: folder.path,
    runScript: new URL('./run/run-child.js', import.meta.url),
    memoryScript: new URL('./measure/warm-memory-child.js', import.meta.url),
    residentBytesOf,
    makeCgroup: () => makeCgroup(around),
    device: 'why' in around.device ? null : around.device,
    timeLimitMs: timeLimitMsFor,
    signal,
  }
  try {
    const setUpSeconds = await setUpAll(chosen, folder.path, signal)
    const { timeBudgetSeconds } = options
    const budgetLeft = timeBudgetSeconds === null ? null : timeBudgetSeconds - setUpSeconds
    return await runAll<RunResult>(
      {
        ...options,
        timeBudgetSeconds: budgetLeft,
        subjects: [...new Set(chosen.flatMap((workload) => workload.subjects ?? []))],
      },
      chosen,
      (plan) => runOne(plan, context),
      progress,
      signal,
    )
  } catch (error) {
    if (signal.aborted) return { results: [], roundsDone: 0, stoppedBy: 'signal' }
    throw error
  } finally {
    progress.close()
    folder.remove()
  }
}

/** The subjects asked for that can do a workload, and fio, which writes any file and claims nothing. */
function rowsOf(options: Options, workloadName: string): ClaimingSubject[] {
  const asked = options.subjects.map(subjectNamed)
  if (workloadNamed(workloadName).subjects === 'strategies') return asked.filter(({ strategy }) => strategy !== null)
  return [...asked, ...(options.ceiling ? [{ name: FIO_NAME, claim: null }] : [])]
}

/**
 * @returns how many seconds it took
 * @throws {CannotGoOn} when the runs of a workload would have nothing to start from
 */
async function setUpAll(chosen: readonly PlannedWorkload[], folder: string, signal: AbortSignal): Promise<number> {
  const startedAtMs = performance.now()
  for (const workload of chosen) {
    if (workloadNamed(workload.name).setUp === null) continue
    process.stderr.write(`${workload.name}: making ${formatBytes(workload.bytes)} of input\n`)
    const script = new URL('./run/set-up-child.js', import.meta.url)
    const wrong = await setUpWorkload(script, workload, setUpFolderOf(folder, workload.name), signal)
    if (wrong !== null) throw new CannotGoOn(`${workload.name}: the input could not be made: ${wrong}`)
  }
  return (performance.now() - startedAtMs) / 1e3
}

function reportOn(
  { name, bytes }: { readonly name: string; readonly bytes: number },
  options: Options,
  all: AllResults,
): WorkloadReport {
  const { summary, table } = workloadNamed(name)
  const ceiling = options.ceiling ? FIO_NAME : null
  const rows = summarize(all.results, name, rowsOf(options, name), BASELINE_NAME, ceiling)
  // An interrupted round counts where it got to.
  const rounds = Math.max(all.roundsDone, ...rows.map((row) => row.roundsMeasured))
  return { name, summary, bytes, rounds, table, subjects: rows }
}

function closingLines(options: Options, all: AllResults, seconds: number): string[] {
  const lines = [`${all.results.length} runs in ${formatSeconds(seconds)}.`]
  if (all.stoppedBy === 'time-budget') {
    lines.push(`Only ${all.roundsDone} of ${options.rounds} rounds fitted into the time; --rounds asks for more.`)
  }
  if (all.stoppedBy === 'signal') lines.push('Interrupted: what was finished until then is kept.')
  return lines
}

await runCommand('bench', main)
