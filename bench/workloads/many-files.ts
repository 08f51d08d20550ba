import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Latency } from '../schema/latency.ts'
import { situations } from '../schema/run.ts'
import type { Sink } from '../subjects/subject.ts'
import { KIB, MIB } from '../units.ts'
import { whyNotAll } from './file-workload.ts'
import { checkPeriodicFile, fillPseudoRandom } from './periodic-content.ts'
import { TURN_BYTES, Turns } from './turns.ts'
import type { Workload } from './workload.ts'

/** As many as a database has partitions or levels under work at once. */
const FILES = 64
const PIECE_BYTES = 64 * KIB
/** More than files, so that each begins with another one; a prime number, so that a piece in another's place is noticed. */
const PIECES = 71

/** Files that are written at once, taking turns, by one process. */
export const manyFiles: Workload = {
  name: 'many-files',
  summary: `${FILES} files at once, in turns of ${PIECE_BYTES / KIB} KiB`,
  defaultBytes: 256 * MIB,
  warmUpBytes: 8 * MIB,
  table: 'throughput',
  subjects: 'all',
  situations,
  writesOneFile: false,
  setUp: null,
  footprintPath: ({ path }) => path,
  async prepare(subject, { path, bytes, bytesPerSecond }) {
    await mkdir(path)
    const ring = makeRing()
    return {
      async run() {
        const files: OpenFile[] = []
        for (let i = 0; i < FILES; i++) {
          const sink = await subject.open(filePath(path, i))
          files.push({ sink, nextPiece: i, leftBytes: bytesOf(i, bytes), room: null })
        }
        const writeLatency = await writeInTurns(files, ring, new Turns(bytesPerSecond))
        const written = await Promise.all(files.map(({ sink }) => sink.finish()))
        return { bytes: written.reduce((sum, each) => sum + each, 0), writeLatency }
      },
    }
  },
  async check({ path, bytes }, writtenBytes) {
    const wrongLength = whyNotAll(writtenBytes, bytes)
    if (wrongLength !== null) return wrongLength
    const ring = makeRing()
    for (let i = 0; i < FILES; i++) {
      const period = Buffer.concat([...ring.slice(i), ...ring.slice(0, i)])
      const wrong = await checkPeriodicFile(filePath(path, i), bytesOf(i, bytes), period)
      if (wrong !== null) return `file ${i}: ${wrong}`
    }
    return null
  },
}

/** One of the files, while it is written. */
interface OpenFile {
  readonly sink: Sink
  nextPiece: number
  leftBytes: number
  /** Set while there is no room in it. */
  room: Promise<void> | null
}

/**
 * Gives each file that has room a piece, in turns, and waits only when none has.
 *
 * @throws the first error of any of them
 */
async function writeInTurns(files: readonly OpenFile[], ring: readonly Buffer[], turns: Turns): Promise<Latency> {
  let sinceTurnBytes = 0
  for (let open = files; open.length > 0; open = open.filter(({ leftBytes }) => leftBytes > 0)) {
    const ready = open.filter(({ room }) => room === null)
    if (ready.length === 0) await Promise.race(open.flatMap(({ room }) => (room === null ? [] : [room])))
    for (const file of ready) {
      if (file.leftBytes === 0) continue
      sinceTurnBytes += putPiece(file, ring)
      if (sinceTurnBytes < TURN_BYTES) continue
      await turns.next(sinceTurnBytes)
      sinceTurnBytes = 0
    }
  }
  await Promise.all(files.flatMap(({ room }) => (room === null ? [] : [room])))
  return turns.latency()
}

/** @returns how many bytes were handed over */
function putPiece(file: OpenFile, ring: readonly Buffer[]): number {
  const piece = ring[file.nextPiece % ring.length]!.subarray(0, file.leftBytes)
  file.nextPiece++
  file.leftBytes -= piece.length
  const room = file.sink.put(piece)
  if (room === null) return piece.length
  file.room = room.then(() => {
    file.room = null
  })
  // It is awaited later on; until then a rejection must not count as one that nobody looks at.
  file.room.catch(() => {})
  return piece.length
}

function makeRing(): Buffer[] {
  const all = Buffer.alloc(PIECES * PIECE_BYTES)
  fillPseudoRandom(all)
  return Array.from({ length: PIECES }, (_, i) => all.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES))
}

function filePath(folder: string, index: number): string {
  return join(folder, `file-${String(index).padStart(2, '0')}`)
}

/** The last one has what is left over. */
function bytesOf(index: number, bytes: number): number {
  const each = Math.floor(bytes / FILES)
  return index === FILES - 1 ? bytes - each * (FILES - 1) : each
}
