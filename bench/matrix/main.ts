/** `npm run bench -- --matrix`. */
import { resolve } from 'node:path'
import { UsageError } from '../arguments.ts'
import { baseline, type Chosen, chooseAll, claimingSubjects, describeChosen, neededBytes } from '../choose.ts'
import { CannotGoOn, checkBeforehand, EXIT_FAILED, footprintSource, print, useColour } from '../command.ts'
import type { Interruption } from '../interruption.ts'
import { type Around, whatIsAround } from '../measure/around.ts'
import { deviceOf } from '../measure/device-io.ts'
import { readEnvironment } from '../measure/environment.ts'
import type { Options } from '../options.ts'
import { checkOutputs, Outputs } from '../outputs.ts'
import { packageFolder, packageVersion } from '../package.ts'
import { buildReport, sortResults } from '../report/build.ts'
import { findBrokenClaims } from '../report/claims.ts'
import type { ShownPlan } from '../report/progress.ts'
import { environmentLines } from '../report/terminal.ts'
import type { RunResult } from '../run/result.ts'
import type { Watcher } from '../run/run-all.ts'
import { runInFolder } from '../run/run-in-folder.ts'
import type { Place, Report } from '../schema/report.ts'
import { strategyNames } from '../subjects/index.ts'
import { formatSeconds, MIB } from '../units.ts'
import { matrixLines } from './lines.ts'
import { type Site, whyNoFileSystems } from './loop-file-systems.ts'
import { mebibytesFor, type PlaceKind, placeKinds } from './places.ts'
import { type RunsAt, runMatrix } from './run-matrix.ts'

/** Large enough for every strategy to have written behind itself, small enough for eight file systems. */
const BYTES = 64 * MIB
const WORKLOAD = 'large'

/** Makes every file system, runs there, and shows one table. */
export async function benchMatrix(options: Options, interruption: Interruption): Promise<number> {
  const why = whyNoFileSystems()
  if (why !== null) throw new CannotGoOn(`--matrix makes file systems on loop devices: ${why}`)
  const startedAt = new Date()
  const dir = resolve(options.dir ?? packageFolder)
  const chosen = chooseForMatrix(options)
  const bytes = neededBytes(chosen, 0)
  await checkOutputs(options)
  await checkBeforehand(options, dir, mebibytesFor(bytes) * MIB)

  const around = await whatIsAround(dir)
  const environment = await readEnvironment(dir, packageVersion, await footprintSource(), around)
  print([...environmentLines(environment), ''])
  const outputs = await Outputs.open(options, environment)
  const site: Site = { dir, prefix: '.uncached-io-matrix-' }
  const { signal } = interruption
  const runAt = (folder: string, { name }: PlaceKind) =>
    runHere(folder, options, chosen, around, outputs.at(name), signal)
  try {
    const places = await runMatrix({ places: placeKinds, site, bytes, runAt, signal })
    outputs.progressIsOver()
    const report = reportOn(places, startedAt, options, chosen, environment, signal)
    const notWritten = await outputs.write(report)
    print(matrixLines(places, describeChosen(chosen[0]!).subjects, useColour()))
    print(closingLines(report))
    if (notWritten.length > 0) throw new CannotGoOn(notWritten.join('\n'))
    return interruption.exitCode() ?? (outputs.hasFailed() || places.some(isMissing) ? EXIT_FAILED : 0)
  } finally {
    await outputs.close()
  }
}

function isMissing({ notMade }: Place): boolean {
  return notMade !== null
}

/**
 * One workload, alone, by the strategies that were asked for: what others do through the page cache, they do on every file
 * system.
 *
 * @throws {UsageError} when no strategy was asked for
 */
function chooseForMatrix(options: Options): Chosen[] {
  const asked = options.workloads.length === 1 ? options.workloads[0]! : null
  const workload = {
    name: asked?.name ?? WORKLOAD,
    bytes: options.bytesAsked ?? BYTES,
    situations: ['alone'] as const,
    subjects: null,
  }
  const subjects = options.subjects.filter((name) => strategyNames.includes(name))
  if (subjects.length === 0) throw new UsageError(`--matrix compares strategies: ${strategyNames.join(', ')}`)
  return chooseAll({ ...options, ceiling: false, subjects, workloads: [workload] })
}

async function runHere(
  dir: string,
  options: Options,
  chosen: readonly Chosen[],
  around: Around,
  watcher: Watcher<ShownPlan, RunResult>,
  signal: AbortSignal,
): Promise<RunsAt> {
  const here = { ...around, device: await deviceOf(dir) }
  const { neighbour } = options
  const rounds = { rounds: options.rounds, timeBudgetSeconds: null }
  const all = await runInFolder({ dir, chosen, rounds, neighbour, around: here, signal }, watcher)
  const { runs, notRun } = sortResults(all.results)
  return { runs, notRun, brokenClaims: findBrokenClaims(runs, claimingSubjects) }
}

function reportOn(
  places: readonly Place[],
  startedAt: Date,
  options: Options,
  chosen: readonly Chosen[],
  environment: Report['environment'],
  signal: AbortSignal,
): Report {
  return buildReport({
    startedAt,
    seconds: (Date.now() - startedAt.getTime()) / 1e3,
    environment,
    profile: options.profile,
    roundsAsked: options.rounds,
    baseline,
    subjects: claimingSubjects,
    chosen,
    all: { results: [], roundsDone: signal.aborted ? 0 : options.rounds, stoppedBy: signal.aborted ? 'signal' : null },
    places,
  })
}

function closingLines({ seconds, places, stoppedBy }: Report): string[] {
  const lines = [`${places.length} file systems in ${formatSeconds(seconds)}.`]
  if (stoppedBy === 'signal') lines.push('Interrupted: what was finished until then is kept.')
  return lines
}
