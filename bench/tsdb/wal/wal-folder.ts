/**
 * What is in the folder of a WAL: segments `00000000`, `00000001`, ..., and checkpoints `checkpoint.00000005`, folders of
 * segments in the place of those up to 5.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TsdbError } from '../errors.ts'
import { syncFolder } from '../files/folder.ts'

/** The folder of the WAL in a data folder. */
export const WAL_FOLDER = 'wal'

/** A place in a WAL. */
export interface WalPosition {
  readonly segment: number
  /** In bytes from the segment's beginning. */
  readonly offset: number
}

// Prometheus's own: segments with at least 8 digits, and the names of checkpoints as in tsdb/wlog/checkpoint.go.
const NAME_DIGITS = 8
const CHECKPOINT_PREFIX = 'checkpoint.'
const TEMPORARY_SUFFIX = '.tmp'

/** Whether `position` comes after `other`. */
export function isBehind(position: WalPosition, other: WalPosition): boolean {
  return position.segment === other.segment ? position.offset > other.offset : position.segment > other.segment
}

export function segmentPath(folder: string, segment: number): string {
  return join(folder, nameOf(segment))
}

/** The folder of the checkpoint that stands for the segments up to `segment`. */
export function checkpointFolder(folder: string, segment: number): string {
  return join(folder, CHECKPOINT_PREFIX + nameOf(segment))
}

/** Where it is put together. Nobody takes it for a checkpoint. */
export function temporaryCheckpointFolder(folder: string, segment: number): string {
  return checkpointFolder(folder, segment) + TEMPORARY_SUFFIX
}

/** The numbers of the segments that are there, ascending. */
export async function listSegments(folder: string): Promise<number[]> {
  return numbersIn(await readdir(folder))
}

/** The numbers of the checkpoints that are there, ascending: of the last segment that each stands for. */
export async function listCheckpoints(folder: string): Promise<number[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(CHECKPOINT_PREFIX))
  return numbersIn(names.map((name) => name.slice(CHECKPOINT_PREFIX.length)))
}

/** The last checkpoint's number, and its folder; `null` when there is none. Earlier ones are of no use any more. */
export async function lastCheckpoint(folder: string): Promise<{ segment: number; folder: string } | null> {
  const segment = (await listCheckpoints(folder)).at(-1)
  return segment === undefined ? null : { segment, folder: checkpointFolder(folder, segment) }
}

/** @throws {TsdbError} ERR_TSDB_MALFORMED, naming the file, when they are not `first`, `first + 1`, ... */
export function checkSequence(folder: string, segments: readonly number[], first: number): void {
  for (const [index, segment] of segments.entries()) {
    if (segment === first + index) continue
    const what = `the segment is missing, and ${nameOf(segment)} is there`
    throw new TsdbError('ERR_TSDB_MALFORMED', what, { file: segmentPath(folder, first + index) })
  }
}

/** The number of the segment that may be written next. */
export async function nextSegmentOf(folder: string): Promise<number> {
  const last = (await listSegments(folder)).at(-1) ?? -1
  return Math.max(last, (await lastCheckpoint(folder))?.segment ?? -1) + 1
}

/**
 * Deletes segments below a number, the oldest first, so that no gap is seen at any moment; then makes that durable.
 *
 * @yields before each step that changes something, what it is
 */
export async function* deleteSegmentsBefore(folder: string, segment: number): AsyncGenerator<string, void, void> {
  const old = (await listSegments(folder)).filter((number) => number < segment)
  for (const number of old) {
    yield `delete segment ${number}`
    await rm(segmentPath(folder, number))
  }
  if (old.length === 0) return
  yield 'sync the folder'
  await syncFolder(folder)
}

/**
 * Deletes what the last checkpoint has made superfluous: earlier checkpoints and the segments that it stands for.
 *
 * @yields as {@link deleteSegmentsBefore}
 */
export async function* deleteCovered(folder: string): AsyncGenerator<string, void, void> {
  const checkpoints = await listCheckpoints(folder)
  const last = checkpoints.pop()
  if (last === undefined) return
  const [oldest = Infinity] = await listSegments(folder)
  if (checkpoints.length === 0 && oldest > last) return
  yield 'sync the folder'
  // A process that died may not have come to it: nothing goes before the checkpoint's name is sure to stay.
  await syncFolder(folder)
  for (const number of checkpoints) {
    yield `delete checkpoint ${number}`
    await rm(checkpointFolder(folder, number), { recursive: true })
  }
  yield* deleteSegmentsBefore(folder, last + 1)
}

/** Removes checkpoints that a process that died left half made. */
export async function removeTemporary(folder: string): Promise<void> {
  const names = await readdir(folder)
  const left = names.filter((name) => name.startsWith(CHECKPOINT_PREFIX) && name.endsWith(TEMPORARY_SUFFIX))
  for (const name of left) await rm(join(folder, name), { recursive: true })
}

/** Removes what a process that died left, and is of no use: half made checkpoints, and what the last one stands for. */
export async function cleanUp(folder: string): Promise<void> {
  await removeTemporary(folder)
  for await (const step of deleteCovered(folder)) void step
}

function nameOf(number: number): string {
  return String(number).padStart(NAME_DIGITS, '0')
}

/** Other names are nobody's: they are passed over, as Prometheus does it. */
function numbersIn(names: readonly string[]): number[] {
  const numbers = names.filter((name) => /^\d{8,15}$/.test(name) && nameOf(Number(name)) === name).map(Number)
  return numbers.toSorted((a, b) => a - b)
}
