/** Heads with samples in them. */
import { Head } from '../../../bench/tsdb/head/head.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { type Series, valueOf } from './series.ts'

/** A head that has taken all samples of some series, one series after the other. */
export function headOf(blockRangeMs: number, all: readonly Series[]): Head {
  const head = new Head(blockRangeMs)
  for (const { labels, samples } of all) {
    const series = head.seriesOf(labels)
    for (const [timestampMs, bits] of samples) head.append(series, timestampMs, valueOf(bits))
  }
  return head
}

/** A head with so many series of so many samples, one a second, whose values can't be compressed: 8 bytes each. */
export function largeHead(blockRangeMs: number, startMs: number, seriesCount: number, sampleCount: number): Head {
  const head = new Head(blockRangeMs)
  for (let number = 0; number < seriesCount; number++) {
    const series = head.seriesOf(labelsOf(Object.entries({ __name__: 'large', number: String(number) })))
    for (let i = 0; i < sampleCount; i++) {
      const timestampMs = startMs + i * 1000
      head.append(series, timestampMs, Math.sin(timestampMs * (1 + number)))
    }
  }
  return head
}
