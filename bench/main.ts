/** The command line of the benchmark: choose, run, report. */
import { resolve } from 'node:path'
import { pageCacheOf } from 'uncached-io'
import { FIO_NAME } from './ceiling/fio.ts'
import { CannotGoOn, checkBeforehand, EXIT_FAILED, footprintSource, print, runCommand, useColour } from './command.ts'
import { helpText } from './help.ts'
import { type Interruption, watchForInterruption } from './interruption.ts'
import { readEnvironment } from './measure/environment.ts'
import { type Options, readOptions } from './options.ts'
import { packageFolder, packageVersion } from './package.ts'
import { jsonReport, whyNotWritten } from './report/json.ts'
import { Progress } from './report/progress.ts'
import { type ClaimingSubject, summarize } from './report/summary.ts'
import { environmentLines, legendLines, type WorkloadReport, workloadLines } from './report/terminal.ts'
import type { RunResult } from './run/result.ts'
import { type AllResults, runAll } from './run/run-all.ts'
import { runOne, timeLimitMsFor } from './run/run-one.ts'
import { makeWorkFolder } from './run/work-folder.ts'
import { BASELINE_NAME, subjectNamed, subjects } from './subjects/index.ts'
import { formatSeconds } from './units.ts'
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
    print([...legendLines(options.ceiling), ''])
  }
  print(closingLines(options, all, (performance.now() - startedAtMs) / 1e3))
  if (notWritten !== null) throw new CannotGoOn(`--json: ${notWritten}`)
  return interruption.exitCode() ?? (all.results.some(({ state }) => state === 'failed') ? EXIT_FAILED : 0)
}

function bytesFor(workloadName: string, options: Options): number {
  const workload = workloadNamed(workloadName)
  return options.bytes ?? (options.quick ? workload.quickBytes : workload.defaultBytes)
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
    return await runAll<RunResult>(
      { ...options, subjects: rowsOf(options).map(({ name }) => name) },
      chosen,
      (plan) => runOne(plan, context),
      progress,
      signal,
    )
  } finally {
    progress.close()
    folder.remove()
  }
}

/** The subjects asked for, and fio, which claims nothing. */
function rowsOf(options: Options): ClaimingSubject[] {
  return [...options.subjects.map(subjectNamed), ...(options.ceiling ? [{ name: FIO_NAME, claim: null }] : [])]
}

function reportOn(
  { name, bytes }: { readonly name: string; readonly bytes: number },
  options: Options,
  all: AllResults,
): WorkloadReport {
  const { summary } = workloadNamed(name)
  const ceiling = options.ceiling ? FIO_NAME : null
  const rows = summarize(all.results, name, rowsOf(options), BASELINE_NAME, ceiling)
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

await runCommand('bench', main)
