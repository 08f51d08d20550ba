import { InputFile, type ReadWay } from '../files/input-file.ts'
import type { ImportedSample } from './open-metrics-line.ts'
import { OpenMetricsText } from './open-metrics-text.ts'

export type { ImportedSample } from './open-metrics-line.ts'

/** Bytes of a read: a few thousand lines, that is a few milliseconds before the event loop goes round again. */
const READ_BYTES = 256 * 1024
/** Samples given at a time, at least; at most as many more as stand in one read. */
const BATCH_SAMPLES = 4096

/**
 * Yields the samples of an OpenMetrics 1.0 text file in the file's order, some thousands at a time.
 *
 * The file is read once. What stays in memory is one read, the names of the metrics, and a bounded number of label sets.
 * The samples of a series are not compared with each other: order and duplicates are the caller's, and `line` is there
 * for its errors. An empty label is dropped, since to Prometheus it is none.
 *
 * What is taken is what the specification allows, and `promtool tsdb create-blocks-from openmetrics` (2.42) takes, but:
 *
 * - Every sample needs a timestamp (promtool wants it, too). It is rounded to the nearest millisecond, from its decimal
 *   digits; promtool multiplies a float and cuts, and gets 1000 ms for 1.001 s. From 2^51 ms on it is refused.
 * - Metadata that is there twice for a family, or behind samples of it, is refused, as the specification wants it.
 * - A label that is there twice is refused, also when one of them is empty, which promtool overlooks.
 * - A NUL is refused (the specification allows it in label values), and so is a line of more than 1 MiB.
 * - A comma behind the last label is taken, as newer versions of Prometheus do.
 * - Exemplars are checked for their syntax and not kept, and each sample may have one: the specification has them for
 *   counters and buckets only, and limits their length.
 * - HELP may be any text, and, as with promtool, neither has a family to stand together nor need its samples have the
 *   names, labels and values of its type: nothing is lost by it.
 *
 * @param way how the file is read
 * @throws {TsdbError} with file and line: ERR_TSDB_SYNTAX; ERR_TSDB_BAD_LABELS for a label that is there twice, and for a
 *   sample line that is not UTF-8; ERR_TSDB_UNSUPPORTED for a timestamp too far away. Some samples of lines before may
 *   not have been given then. Errors of the kernel as they are.
 */
export async function* readOpenMetrics(
  file: string,
  way: ReadWay = 'buffered',
): AsyncGenerator<readonly ImportedSample[]> {
  yield* openMetricsSamples(chunksOf(file, way), file)
}

/**
 * The same for text that comes in chunks, cut anywhere.
 *
 * @param chunks each may be used again when the next one is asked for
 * @param file its name, for errors
 */
export async function* openMetricsSamples(
  chunks: AsyncIterable<Buffer>,
  file: string,
): AsyncGenerator<readonly ImportedSample[]> {
  const text = new OpenMetricsText(file)
  for await (const chunk of chunks) {
    text.push(chunk)
    if (text.sampleCount >= BATCH_SAMPLES) yield text.takeSamples()
  }
  text.end()
  if (text.sampleCount > 0) yield text.takeSamples()
}

async function* chunksOf(path: string, way: ReadWay): AsyncGenerator<Buffer> {
  const file = await InputFile.open(path, way)
  try {
    const memory = file.allocate(READ_BYTES)
    for (let offset = 0; ; ) {
      const { start, end } = await file.readInto(memory, offset, READ_BYTES)
      if (end <= offset) return
      yield memory.subarray(offset - start, end - start)
      offset = end
    }
  } finally {
    await file.close()
  }
}
