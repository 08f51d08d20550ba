import { Samples } from '../chunks/samples.ts'
import { decodeXor } from '../chunks/xor.ts'
import type { Head, HeadSeries } from '../head/head.ts'
import { samplesRecords, seriesRecords } from './log-records.ts'

/** All that the head holds, as records of a WAL: the series, and behind them their samples. Views, until the next one. */
export function* checkpointRecords(head: Head): Generator<Uint8Array> {
  const { series } = head
  yield* seriesRecords(series)
  for (const one of series) {
    for (const { timestampsMs, values, count } of samplesOf(one)) {
      const refs = new Float64Array(count).fill(one.reference)
      yield* samplesRecords({ refs, timestampsMs, values, count })
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
