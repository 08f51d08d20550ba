import type { BlockWriter } from '../block/block-writer.ts'
import { checkSpan } from '../chunks/check-chunk.ts'
import { CHUNK_SAMPLES, CHUNK_SAMPLES_MAX, Samples } from '../chunks/samples.ts'
import { decodeXor, ENCODING_XOR, encodeXor, xorBytesMax } from '../chunks/xor.ts'
import { TsdbError } from '../errors.ts'
import type { SeriesEntry } from '../index/series-entry.ts'
import type { InputChunk } from './input-block.ts'

/** The samples of one chunk, and how many of them are merged. */
interface Decoded {
  readonly chunk: InputChunk
  readonly samples: Samples
  next: number
}

/**
 * Merges chunks of one series that overlap in time into new ones. A sample that several of them have, bit by bit the
 * same, is kept once.
 *
 * @throws {TsdbError} ERR_TSDB_DUPLICATE_SAMPLE for two values of one time, ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_MALFORMED,
 *   ERR_TSDB_UNSUPPORTED for chunks that are not XOR; as `ChunkReader`
 */
export async function mergeOverlapping(
  chunks: readonly InputChunk[],
  merged: SeriesEntry,
  block: BlockWriter,
): Promise<void> {
  const decoded: Decoded[] = []
  for (const chunk of chunks) decoded.push({ chunk, samples: await decode(chunk), next: 0 })
  const out = new Samples(CHUNK_SAMPLES)
  for (;;) {
    const from = earliest(decoded)
    if (from === null) break
    out.copyFrom(from.samples, from.next)
    passOver(decoded, from)
    if (out.count === CHUNK_SAMPLES) await write(out, merged, block)
  }
  if (out.count > 0) await write(out, merged, block)
}

async function decode(chunk: InputChunk): Promise<Samples> {
  const { reference } = chunk
  const { chunks } = chunk.input
  const { encoding, data } = chunks.at(reference) ?? (await chunks.load(reference))
  if (encoding !== ENCODING_XOR) {
    const what = `a chunk of encoding ${encoding} that overlaps another one`
    throw new TsdbError('ERR_TSDB_UNSUPPORTED', what, chunks.placeOf(reference))
  }
  const samples = new Samples(Math.min(CHUNK_SAMPLES_MAX, data.readUInt16BE(0)))
  const wrong = decodeXor(data, samples)
  if (wrong !== null) throw new TsdbError('ERR_TSDB_MALFORMED', `a chunk: ${wrong}`, chunks.placeOf(reference))
  const { timestampsMs, count } = samples
  for (let i = 1; i < count; i++) {
    const delta = timestampsMs[i]! - timestampsMs[i - 1]!
    if (delta > 0) continue
    const code = delta === 0 ? 'ERR_TSDB_DUPLICATE_SAMPLE' : 'ERR_TSDB_OUT_OF_ORDER'
    throw new TsdbError(code, `a chunk: sample ${i + 1} is of ${timestampsMs[i]}`, chunks.placeOf(reference))
  }
  checkSpan({ minTimeMs: timestampsMs[0]!, maxTimeMs: timestampsMs[count - 1]! }, chunk, chunks)
  return samples
}

function earliest(decoded: readonly Decoded[]): Decoded | null {
  let found: Decoded | null = null
  for (const candidate of decoded) {
    if (candidate.next === candidate.samples.count) continue
    if (found === null || timeOf(candidate) < timeOf(found)) found = candidate
  }
  return found
}

/** Goes on behind a sample in all chunks that have it. */
function passOver(decoded: readonly Decoded[], taken: Decoded): void {
  const time = timeOf(taken)
  for (const other of decoded) {
    if (other === taken || other.next === other.samples.count || timeOf(other) !== time) continue
    if (!isSame(other, taken)) {
      const { input, reference } = other.chunk
      const place = taken.chunk.input.chunks.placeOf(taken.chunk.reference)
      const what = `a sample of ${time} that has another value in ${place.file} at byte ${place.offset}`
      throw new TsdbError('ERR_TSDB_DUPLICATE_SAMPLE', what, input.chunks.placeOf(reference))
    }
    other.next++
  }
  taken.next++
}

function timeOf({ samples, next }: Decoded): number {
  return samples.timestampsMs[next]!
}

function isSame(a: Decoded, b: Decoded): boolean {
  const [x, y] = [2 * a.next, 2 * b.next]
  return a.samples.words[x] === b.samples.words[y] && a.samples.words[x + 1] === b.samples.words[y + 1]
}

const encoding = new Uint8Array(xorBytesMax(CHUNK_SAMPLES))

async function write(samples: Samples, merged: SeriesEntry, block: BlockWriter): Promise<void> {
  const { timestampsMs, count } = samples
  const end = encodeXor(samples, encoding, 0)
  const { reference, wait } = block.chunks.add(ENCODING_XOR, encoding.subarray(0, end))
  merged.addChunk(timestampsMs[0]!, timestampsMs[count - 1]!, reference)
  block.numSamples += count
  block.numChunks++
  samples.count = 0
  if (wait !== null) await wait
}
