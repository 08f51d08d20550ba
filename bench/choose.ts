/** From what was asked for to what is run. */
import { fioVariants } from './ceiling/fio.ts'
import { neighbourDefaults } from './measure/neighbour/settings.ts'
import type { NeighbourChoice, Options, WorkloadChoice } from './options.ts'
import type { ClaimingSubject } from './report/claims.ts'
import type { RunPlan } from './run/result.ts'
import type { Report } from './schema/report.ts'
import { type Situation, situations } from './schema/run.ts'
import { BASELINE_NAME, NO_WRITER, strategyNames, subjectNamed, subjects } from './subjects/index.ts'
import { workloadNamed } from './workloads/index.ts'
import type { Workload } from './workloads/workload.ts'

/** A run, but for the round. */
export type Cell = Omit<RunPlan, 'round'>

/** A workload with everything that is run of it. */
export interface Chosen {
  readonly name: string
  readonly bytes: number
  /** One for each situation. Empty when nobody who was asked for can do it. */
  readonly groups: readonly Group[]
}

export interface Group {
  readonly situation: Situation
  readonly cells: readonly Cell[]
}

/** As long as most writers take, so that the neighbour is asked about as often. */
const IDLE_SECONDS = 3

export function chooseAll(options: Options): Chosen[] {
  return options.workloads.map((choice) => choose(choice, options))
}

function choose(choice: WorkloadChoice, options: Options): Chosen {
  const workload = workloadNamed(choice.name)
  const bytes = choice.bytes ?? workload.defaultBytes
  const groups = situations
    .filter((situation) => choice.situations.includes(situation) && workload.situations.includes(situation))
    .map((situation) => ({
      situation,
      cells: rowsOf(workload, situation, choice, options).map((subject) =>
        cellOf(subject, workload, situation, bytes, options.neighbour),
      ),
    }))
  return { name: workload.name, bytes, groups: groups.filter(({ cells }) => cells.length > 0) }
}

function rowsOf(workload: Workload, situation: Situation, choice: WorkloadChoice, options: Options): string[] {
  const isAble = (name: string) => workload.subjects === 'all' || subjectNamed(name).strategy !== null
  const asked = options.subjects.filter(isAble).filter((name) => isWithin(name, choice.subjects))
  if (situation === 'alone') {
    return [...asked, ...(options.ceiling && workload.writesOneFile ? fioVariants.map(({ name }) => name) : [])]
  }
  const beside = options.subjects.filter(isAble).filter((name) => isWithin(name, options.neighbour.subjects))
  return beside.length === 0 ? [] : [NO_WRITER, ...beside]
}

function isWithin(name: string, names: readonly string[] | null): boolean {
  return names === null || names.includes(name)
}

function cellOf(
  subject: string,
  workload: Workload,
  situation: Situation,
  bytes: number,
  neighbour: NeighbourChoice,
): Cell {
  const bytesPerSecond =
    situation === 'neighbour-throttled'
      ? (neighbour.writeBytesPerSecond ?? neighbourDefaults.writeBytesPerSecond)
      : null
  const isWriter = subject !== NO_WRITER
  return {
    subject,
    workload: workload.name,
    situation,
    bytes: isWriter ? bytes : 0,
    warmUpBytes: isWriter ? Math.min(workload.warmUpBytes, bytes) : 0,
    bytesPerSecond,
    idleSeconds: isWriter ? 0 : bytesPerSecond === null ? IDLE_SECONDS : bytes / bytesPerSecond,
    point: null,
  }
}

/** What the report says of a workload that was chosen. */
export function describeChosen({ name, bytes, groups }: Chosen): Report['workloads'][number] {
  const chosen = new Set(groups.flatMap(({ cells }) => cells.map(({ subject }) => subject)))
  return {
    name,
    summary: workloadNamed(name).summary,
    bytes,
    situations: groups.map(({ situation }) => situation),
    subjects: orderedNames.filter((each) => chosen.has(each)),
  }
}

const orderedNames = [NO_WRITER, ...subjects.map(({ name }) => name), ...fioVariants.map(({ name }) => name)]

/** Who claims something about the page cache. fio writes any file and claims nothing. */
export const claimingSubjects: readonly ClaimingSubject[] = subjects

/** What is said of workloads that none of the subjects asked for can do. */
export function whyNobody(leftOut: readonly Chosen[]): string {
  const names = leftOut.map(({ name }) => name).join(', ')
  return `${names}: written through this package only, by the subjects ${strategyNames.join(', ')}`
}

/** The most that is on the disk at once: a file with its warm-up, and what the runs start from all the time. */
export function neededBytes(chosen: readonly Chosen[], hotBytes: number): number {
  const setUp = chosen.filter(({ name }) => workloadNamed(name).setUp !== null)
  const warmUp = Math.max(...chosen.map(({ name }) => workloadNamed(name).warmUpBytes))
  const largest = Math.max(...chosen.map(({ bytes }) => bytes))
  return largest + warmUp + setUp.reduce((sum, { bytes }) => sum + bytes, 0) + (hasNeighbour(chosen) ? hotBytes : 0)
}

export function hasNeighbour(chosen: readonly Chosen[]): boolean {
  return chosen.some(({ groups }) => groups.some(({ situation }) => situation !== 'alone'))
}

/** The baseline of all ratios. */
export const baseline = BASELINE_NAME
