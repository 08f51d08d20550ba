import { fc } from '@fast-check/vitest'
import { type ImportedSample, openMetricsSamples } from '../../../bench/tsdb/samples/open-metrics.ts'

/** The bytes in pieces of one size, each of them in the same memory. */
async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  const memory = Buffer.alloc(chunkBytes)
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const copied = bytes.copy(memory, 0, start, start + chunkBytes)
    yield memory.subarray(0, copied)
  }
}

/** What is read from a text, given in chunks of so many bytes. */
export async function samplesIn(text: string | Buffer, chunkBytes?: number): Promise<ImportedSample[]> {
  const bytes = Buffer.from(text)
  const samples: ImportedSample[] = []
  for await (const batch of openMetricsSamples(chunksOf(bytes, chunkBytes ?? Math.max(1, bytes.length)), 'text')) {
    samples.push(...batch)
  }
  return samples
}

/** Sample lines, and what a file ends with. */
export function textOf(...lines: readonly string[]): string {
  return `${lines.join('\n')}\n# EOF\n`
}

/** A label value as the format writes it. */
export function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** Labels as the format writes them, in the order given: `a="b",c="d"`. */
export function labelText(labels: Iterable<readonly [name: string, value: string]>): string {
  return [...labels].map(([name, value]) => `${name}="${escaped(value)}"`).join(',')
}

/** A value as the format writes it. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Inf' : '+Inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

/** What a reader of lines could stumble over. */
const awkward = fc.constantFrom('"', '\\', '\n', '\r', 'n', '{', '}', ' ', ',', '#', 'ä', '漢', '😀', '\uFFFF')
const anyCharacter = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((char) => char !== '\0')

/** Label values of any characters but NUL. */
export const someLabelValue = fc.string({ unit: fc.oneof(awkward, anyCharacter) })
