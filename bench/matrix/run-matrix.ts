import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alignmentOf } from 'uncached-io'
import { firstLine, messageOf } from '../errors.ts'
import type { BrokenClaim, Place } from '../schema/report.ts'
import type { NotRun, RunFigures } from '../schema/run.ts'
import { type FileSystem, makeFileSystem, type Site } from './loop-file-systems.ts'
import { mebibytesFor, type PlaceKind } from './places.ts'

/** What was run in a folder. */
export interface RunsAt {
  readonly runs: readonly RunFigures[]
  readonly notRun: readonly NotRun[]
  readonly brokenClaims: readonly BrokenClaim[]
}

export interface MatrixPlan {
  readonly places: readonly PlaceKind[]
  readonly site: Site
  /** The most that is written at once. */
  readonly bytes: number
  /** Does the rounds in a folder. */
  readonly runAt: (folder: string, place: PlaceKind) => Promise<RunsAt>
  readonly signal: AbortSignal
}

/**
 * Makes each file system, runs in it, removes it: one at a time. One that cannot be made says why, and the others go on.
 *
 * @returns those that were done when the signal came
 * @throws what `runAt` throws
 */
export async function runMatrix({ places, site, bytes, runAt, signal }: MatrixPlan): Promise<Place[]> {
  const done: Place[] = []
  for (const place of places) {
    if (signal.aborted) break
    const made = make(place, site, bytes)
    if (typeof made === 'string') {
      done.push(describePlace(place, { runs: [], notRun: [], brokenClaims: [] }, null, made))
      continue
    }
    // Also when the process exits without coming back here.
    process.once('exit', made.remove)
    try {
      const alignment = await alignmentIn(made.folder)
      done.push(describePlace(place, await runAt(made.folder, place), alignment, null))
    } finally {
      made.remove()
      process.off('exit', made.remove)
    }
  }
  return done
}

/** @returns why it could not be made */
function make({ kind, sectorSize }: PlaceKind, site: Site, bytes: number): FileSystem | string {
  try {
    return makeFileSystem(kind, site, { mebibytes: mebibytesFor(bytes), sectorSize: sectorSize ?? 512 })
  } catch (error) {
    return firstLine(messageOf(error))
  }
}

async function alignmentIn(folder: string): Promise<Place['alignment']> {
  const path = join(folder, 'alignment')
  await writeFile(path, '')
  try {
    const { memory, offset, source } = await alignmentOf(path)
    return { memory, offset, source }
  } finally {
    await rm(path)
  }
}

function describePlace(
  { name, kind, sectorSize }: PlaceKind,
  { runs, notRun, brokenClaims }: RunsAt,
  alignment: Place['alignment'],
  notMade: string | null,
): Place {
  return { name, fileSystemType: kind, sectorBytes: sectorSize, alignment, notMade, runs, notRun, brokenClaims }
}
