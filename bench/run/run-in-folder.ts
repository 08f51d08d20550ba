/** All rounds, in a work folder of their own that is removed again. */
import { join } from 'node:path'
import { type Chosen, hasNeighbour } from '../choose.ts'
import { CannotGoOn } from '../command.ts'
import { type Around, makeCgroup, makeShared } from '../measure/around.ts'
import { makeHotFile } from '../measure/neighbour/hot-file.ts'
import { neighbourDefaults } from '../measure/neighbour/settings.ts'
import type { NeighbourChoice } from '../options.ts'
import { formatBytes } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'
import type { NeighbourPlan } from './beside.ts'
import type { RunPlan, RunResult } from './result.ts'
import { type AllResults, type Rounds, runAll, type Watcher } from './run-all.ts'
import { type RunContext, runOne, timeLimitMsFor } from './run-one.ts'
import { setUpWorkload } from './set-up.ts'
import { makeWorkFolder, setUpFolderOf } from './work-folder.ts'

export interface FolderRun {
  readonly dir: string
  readonly chosen: readonly Chosen[]
  readonly rounds: Rounds
  readonly neighbour: NeighbourChoice
  readonly around: Around
  readonly signal: AbortSignal
}

/** @throws {CannotGoOn} when the runs of a workload would have nothing to start from */
export async function runInFolder(
  { dir, chosen, rounds, neighbour, around, signal }: FolderRun,
  watcher: Watcher<RunPlan, RunResult>,
): Promise<AllResults<RunResult>> {
  const folder = await makeWorkFolder(dir)
  try {
    const startedAtMs = performance.now()
    await setUpAll(chosen, folder.path, signal)
    const context: RunContext = {
      folder: folder.path,
      runScript: new URL('./run-child.js', import.meta.url),
      memoryScript: new URL('../measure/warm-memory-child.js', import.meta.url),
      makeCgroup: () => makeCgroup(around),
      makeShared: (limitBytes) => makeShared(around, limitBytes),
      neighbour: hasNeighbour(chosen) ? await setUpNeighbour(folder.path, neighbour, signal) : null,
      device: 'why' in around.device ? null : around.device,
      kernelThreads: around.kernelThreads === true,
      startedAtMs: performance.now(),
      timeLimitMs: timeLimitMsFor,
      signal,
    }
    const { timeBudgetSeconds } = rounds
    const usedSeconds = (performance.now() - startedAtMs) / 1e3
    return await runAll(
      { ...rounds, timeBudgetSeconds: timeBudgetSeconds === null ? null : timeBudgetSeconds - usedSeconds },
      chosen.flatMap(({ groups }) => groups.map(({ cells }) => cells)),
      (plan) => runOne(plan, context),
      watcher,
      signal,
    )
  } catch (error) {
    if (signal.aborted) return { results: [], roundsDone: 0, stoppedBy: 'signal' }
    throw error
  } finally {
    folder.remove()
  }
}

async function setUpAll(chosen: readonly Chosen[], folder: string, signal: AbortSignal): Promise<void> {
  for (const workload of chosen) {
    if (workloadNamed(workload.name).setUp === null) continue
    process.stderr.write(`${workload.name}: making ${formatBytes(workload.bytes)} of input\n`)
    const script = new URL('./set-up-child.js', import.meta.url)
    const wrong = await setUpWorkload(script, workload, setUpFolderOf(folder, workload.name), signal)
    if (wrong !== null) throw new CannotGoOn(`${workload.name}: the input could not be made: ${wrong}`)
  }
}

/** The neighbour's hot data, written once. */
async function setUpNeighbour(folder: string, choice: NeighbourChoice, signal: AbortSignal): Promise<NeighbourPlan> {
  const hotPath = join(folder, 'neighbour.hot')
  const hotBytes = choice.hotBytes ?? neighbourDefaults.hotBytes
  process.stderr.write(`neighbour: making ${formatBytes(hotBytes)} of hot data\n`)
  await makeHotFile(hotPath, hotBytes, signal)
  return {
    script: new URL('../measure/neighbour/neighbour-child.js', import.meta.url),
    hotPath,
    hotBytes,
    limitBytes: choice.limitBytes ?? neighbourDefaults.limitBytes,
    readsPerSecond: choice.readsPerSecond ?? neighbourDefaults.readsPerSecond,
    calmMs: neighbourDefaults.calmMs,
  }
}
