import { access, constants, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'
import type { Environment } from '../measure/environment.ts'
import type { MeasuredRun, NotRun } from '../run/result.ts'
import type { AllResults } from '../run/run-all.ts'
import type { WorkloadReport } from './terminal.ts'

/** Changes when a reader of the old form would misread the new one. */
export const SCHEMA_VERSION = 1

/** A run as it stands in the file: the state is told by the list it is in. */
export type JsonRun = Omit<MeasuredRun, 'state'>

export interface JsonReport {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly environment: Environment
  readonly roundsDone: number
  readonly stoppedBy: AllResults['stoppedBy']
  readonly runs: readonly JsonRun[]
  readonly notRun: readonly NotRun[]
  /** What subjects claim about the page cache and did not keep. */
  readonly brokenClaims: readonly {
    readonly subject: string
    readonly workload: string
    readonly what: string
  }[]
}

export function jsonReport(
  environment: Environment,
  { results, roundsDone, stoppedBy }: AllResults,
  reports: readonly WorkloadReport[],
): JsonReport {
  return {
    schemaVersion: SCHEMA_VERSION,
    environment,
    roundsDone,
    stoppedBy,
    runs: results
      .filter((result) => result.state === 'measured')
      // Named one by one: these names are promised, and nothing else belongs in.
      .map((run) => ({
        subject: run.subject,
        workload: run.workload,
        round: run.round,
        bytes: run.bytes,
        seconds: run.seconds,
        cpuUserSeconds: run.cpuUserSeconds,
        cpuSystemSeconds: run.cpuSystemSeconds,
        footprintPeakBytes: run.footprintPeakBytes,
        footprintResidualBytes: run.footprintResidualBytes,
        eventLoopDelayMsMax: run.eventLoopDelayMsMax,
        cacheChargePeakBytes: run.cacheChargePeakBytes,
        cacheChargeMeanBytes: run.cacheChargeMeanBytes,
        deviceReadBytes: run.deviceReadBytes,
        deviceWrittenBytes: run.deviceWrittenBytes,
        sampleCount: run.sampleCount,
        commits: run.commits,
      })),
    notRun: results.filter((result) => result.state !== 'measured'),
    brokenClaims: reports.flatMap(({ name, subjects }) =>
      subjects.flatMap(({ subject, brokenClaims }) => brokenClaims.map((what) => ({ subject, workload: name, what }))),
    ),
  }
}

/** @returns why the report could not be written to `path` in the end, as far as that can be told before; or `null`. */
export async function whyNotWritable(path: string): Promise<string | null> {
  try {
    const existing = await stat(path).catch(() => null)
    if (existing?.isDirectory()) return `${path} is a folder`
    await access(existing === null ? dirname(path) : path, constants.W_OK)
    return null
  } catch (error) {
    return `${path} cannot be written (${codeOf(error)})`
  }
}

/** Writes the report. @returns why that was not possible, or `null`. */
export async function whyNotWritten(path: string, report: object): Promise<string | null> {
  try {
    await writeFile(path, `${JSON.stringify(report, null, 2)}\n`)
    return null
  } catch (error) {
    return messageOf(error)
  }
}
