/** `--sweep`: the workload `large` by block size and by how many blocks are in flight. */
import type { Cell, Chosen } from '../choose.ts'
import type { Options } from '../options.ts'
import { measureNamed } from '../report/measures.ts'
import { median } from '../report/statistics.ts'
import { type Column, layOut, type Row } from '../report/table.ts'
import { describe, styled, WIDTH_MAX } from '../report/terminal.ts'
import type { SweepPoint } from '../run/result.ts'
import type { Report } from '../schema/report.ts'
import type { RunFigures } from '../schema/run.ts'
import { subjectNamed } from '../subjects/index.ts'
import { formatBytes, KIB, MIB } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'

const WORKLOAD = 'large'

/** From a stream's buffer in Node to twice the writer's default: beyond it nothing changes but the memory. */
const blockSizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB] as const
/** Of 4 MiB four in flight are 16 MiB for a single writer. */
const depths = [1, 2, 4] as const
/** Of Node's own, the one that has a block size; it has one block in flight. */
const BY_HAND = 'fs-filehandle'

/** Every strategy that was asked for, and a FileHandle, at each point. */
export function chooseSweep(options: Options): Chosen {
  const workload = workloadNamed(WORKLOAD)
  const choice = options.workloads.find(({ name }) => name === WORKLOAD)
  const bytes = choice?.bytes ?? workload.defaultBytes
  const cells = options.subjects.flatMap((subject): Cell[] => {
    const depthsOf = subjectNamed(subject).strategy !== null ? depths : subject === BY_HAND ? [1] : []
    return blockSizes.flatMap((blockBytes) =>
      depthsOf.map((queueDepth) => ({
        subject,
        workload: WORKLOAD,
        situation: 'alone' as const,
        bytes,
        warmUpBytes: Math.min(workload.warmUpBytes, bytes),
        bytesPerSecond: null,
        idleSeconds: 0,
        point: { blockBytes, queueDepth },
      })),
    )
  })
  return { name: WORKLOAD, bytes, groups: cells.length === 0 ? [] : [{ situation: 'alone', cells }] }
}

/** A table for each subject: a row for each block size, and for each depth throughput, CPU and what was in the cache. */
export function sweepLines(report: Report, colour: boolean): string[] {
  const subjects = report.workloads.flatMap((workload) => workload.subjects)
  return subjects.flatMap((subject) => {
    const runs = report.runs.filter((run) => run.subject === subject && run.point !== null)
    const failed = report.notRun.find((run) => run.subject === subject)
    const title = styled(`${subject}: ${WORKLOAD} by block size and blocks in flight`, 'bold', colour)
    if (runs.length === 0) return [title, '', failed === undefined ? 'no run was finished' : describe(failed), '']
    const used = depths.filter((depth) => runs.some(({ point }) => point?.queueDepth === depth))
    const table = layOut(columnsFor(used), rowsFor(runs, used), WIDTH_MAX)
    const heading = table.heading.map((line) => styled(line, 'dim', colour))
    const notes = failed === undefined ? [''] : [describe(failed), '']
    return [title, ''].concat(heading, table.rows.flat(), notes)
  })
}

function columnsFor(used: readonly number[]): Column[] {
  return [
    { heading: ['block'], align: 'left' },
    ...used.flatMap((depth): Column[] => [
      { heading: [`${depth} in`, 'MiB/s'], align: 'right' },
      { heading: ['flight', 'CPU ms/GiB'], align: 'right' },
      { heading: ['', 'cache MiB'], align: 'right' },
    ]),
  ]
}

function rowsFor(runs: readonly RunFigures[], used: readonly number[]): Row[] {
  return blockSizes.map((blockBytes) => ({
    cells: [formatBytes(blockBytes), ...used.flatMap((queueDepth) => cellsAt(runs, { blockBytes, queueDepth }))],
  }))
}

function cellsAt(runs: readonly RunFigures[], { blockBytes, queueDepth }: SweepPoint): string[] {
  const here = runs.filter(({ point }) => point?.blockBytes === blockBytes && point.queueDepth === queueDepth)
  if (here.length === 0) return ['-', '-', '-']
  const of = (measure: string) => median(here.map((run) => measureNamed(measure).valueOf(run) ?? 0))
  return [
    (of('throughputBytesPerSecond') / MIB).toFixed(0),
    (of('cpuSecondsPerGib') * 1e3).toFixed(0),
    (of('footprintPeakBytes') / MIB).toFixed(1),
  ]
}
