/** The command line of the benchmark: choose, run, report. */
import { resolve } from 'node:path'
import { UsageError } from './arguments.ts'
import { baseline, type Chosen, chooseAll, claimingSubjects, neededBytes, whyNobody } from './choose.ts'
import { CannotGoOn, checkBeforehand, EXIT_FAILED, footprintSource, print, runCommand, useColour } from './command.ts'
import { COMPARE_OPTION, compareMain } from './compare/main.ts'
import { helpText } from './help.ts'
import { type Interruption, watchForInterruption } from './interruption.ts'
import { benchMatrix } from './matrix/main.ts'
import { whatIsAround } from './measure/around.ts'
import { readEnvironment } from './measure/environment.ts'
import { neighbourDefaults } from './measure/neighbour/settings.ts'
import { type Options, readOptions } from './options.ts'
import { checkOutputs, Outputs } from './outputs.ts'
import { packageFolder, packageVersion } from './package.ts'
import { buildReport } from './report/build.ts'
import { environmentLines, reportLines } from './report/terminal.ts'
import type { RunResult } from './run/result.ts'
import type { AllResults } from './run/run-all.ts'
import { runInFolder } from './run/run-in-folder.ts'
import type { Report } from './schema/report.ts'
import { subjects } from './subjects/index.ts'
import { chooseSweep, sweepLines } from './sweep/index.ts'
import { formatSeconds } from './units.ts'
import { workloads } from './workloads/index.ts'

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === COMPARE_OPTION) return await compareMain(args.slice(1))
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
    return options.mode === 'matrix' ? await benchMatrix(options, interruption) : await bench(options, interruption)
  } finally {
    interruption.stop()
  }
}

async function bench(options: Options, interruption: Interruption): Promise<number> {
  const startedAt = new Date()
  const startedAtMs = performance.now()
  const asked = options.mode === 'sweep' ? [chooseSweep(options)] : chooseAll(options)
  const chosen = asked.filter(({ groups }) => groups.length > 0)
  if (chosen.length === 0) throw new UsageError(whyNobody(asked))
  const dir = resolve(options.dir ?? packageFolder)
  await checkOutputs(options)
  await checkBeforehand(options, dir, neededBytes(chosen, options.neighbour.hotBytes ?? neighbourDefaults.hotBytes))

  const around = await whatIsAround(dir)
  const environment = await readEnvironment(dir, packageVersion, await footprintSource(), around)
  print([...environmentLines(environment), ''])
  const outputs = await Outputs.open(options, environment)
  try {
    const all = await runInFolder(
      { dir, chosen, rounds: options, neighbour: options.neighbour, around, signal: interruption.signal },
      outputs,
    )
    outputs.progressIsOver()
    const report = buildReport({
      startedAt,
      seconds: (performance.now() - startedAtMs) / 1e3,
      environment,
      profile: options.profile,
      roundsAsked: options.rounds,
      baseline,
      subjects: claimingSubjects,
      chosen,
      all,
    })
    // Before anything is printed: whoever reads the tables may have gone away meanwhile.
    const notWritten = await outputs.write(report)
    print(tablesOf(options, report))
    print(closingLines(options, report, all, asked, chosen))
    if (notWritten.length > 0) throw new CannotGoOn(notWritten.join('\n'))
  } finally {
    await outputs.close()
  }
  return interruption.exitCode() ?? (outputs.hasFailed() ? EXIT_FAILED : 0)
}

function tablesOf(options: Options, report: Report): string[] {
  if (report.runs.length + report.notRun.length === 0) return []
  return options.mode === 'sweep' ? sweepLines(report, useColour()) : reportLines(report, useColour())
}

function closingLines(
  options: Options,
  { seconds }: Report,
  all: AllResults<RunResult>,
  asked: readonly Chosen[],
  chosen: readonly Chosen[],
): string[] {
  const leftOut = asked.filter((workload) => !chosen.includes(workload))
  const lines = leftOut.length === 0 ? [] : [`Left out: ${whyNobody(leftOut)}.`]
  lines.push(`${all.results.length} runs in ${formatSeconds(seconds)}.`)
  if (all.stoppedBy === 'time-budget') {
    lines.push(`Only ${all.roundsDone} of ${options.rounds} rounds fitted into the time; --rounds asks for more.`)
  }
  if (all.stoppedBy === 'signal') lines.push('Interrupted: what was finished until then is kept.')
  return lines
}

await runCommand('bench', main)
