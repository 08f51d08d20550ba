import { Samples } from '../chunks/samples.ts'
import { decodeXor } from '../chunks/xor.ts'
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import type { Head, HeadSeries } from '../head/head.ts'
import { encodeSamples, encodeSeries } from '../wal/records.ts'

/** Series in one record: some hundred kilobytes of it at most. */
const SERIES_AT_ONCE = 1000

/** All that the head holds, as records of a WAL: the series, and behind them their samples. */
export function* checkpointRecords(head: Head): Generator<Uint8Array> {
  const { series } = head
  const buffer = new ByteBuffer()
  for (let i = 0; i < series.length; i += SERIES_AT_ONCE) {
    buffer.clear()
    const some = series.slice(i, i + SERIES_AT_ONCE).map(({ reference: ref, labels }) => ({ ref, labels }))
    encodeSeries(buffer, some)
    yield buffer.view()
  }
  for (const one of series) {
    for (const samples of samplesOf(one)) {
      const { timestampsMs, values, count } = samples
      buffer.clear()
      encodeSamples(buffer, { refs: new Float64Array(count).fill(one.reference), timestampsMs, values, count })
      yield buffer.view()
    }
  }
}

function* samplesOf({ chunks, open }: HeadSeries): Generator<Samples> {
  for (const { count, data } of chunks) {
    const samples = new Samples(count)
    const wrong = decodeXor(data, samples)
    if (wrong !== null) throw new Error(`a chunk of the head: ${wrong}`)
    yield samples
  }
  if (open.count > 0) yield open
}
