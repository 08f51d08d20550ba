import type { BlockWriter } from '../block/block-writer.ts'
import { checkChunk } from '../chunks/check-chunk.ts'
import type { StoredChunk } from '../chunks/chunk-reader.ts'
import type { Written } from '../chunks/chunk-writer.ts'
import { SeriesEntry } from '../index/series-entry.ts'
import { compareSymbols, type InputBlock, type InputChunk } from './input-block.ts'
import { mergeOverlapping } from './merge-overlapping.ts'

/**
 * Merges the series of all inputs, in the order of their labels. Chunks are copied as they are; those of several inputs
 * that overlap in time are decoded and made anew. Every chunk that is copied is checked: its checksum, and of XOR
 * chunks the order of the samples, and that they span what the index says.
 *
 * @throws {TsdbError} for whatever is wrong with an input; the kernel's error
 */
export async function mergeSeries(inputs: readonly InputBlock[], block: BlockWriter): Promise<void> {
  for (const input of inputs) await input.advance()
  const merged = new SeriesEntry()
  const chunks: InputChunk[] = []
  for (;;) {
    const first = smallest(inputs)
    if (first === null) return
    merged.clear()
    for (const symbol of first.entry.symbols) merged.symbols.push(symbol)
    chunks.length = 0
    const having = inputs.filter(
      ({ hasSeries, entry }) => hasSeries && compareSymbols(entry.symbols, merged.symbols) === 0,
    )
    for (const input of having) take(input, chunks)
    await writeChunks(chunks, merged, block)
    const wait = block.index.addSeries(merged)
    if (wait !== null) await wait
    for (const input of having) await input.advance()
  }
}

function smallest(inputs: readonly InputBlock[]): InputBlock | null {
  let found: InputBlock | null = null
  for (const input of inputs) {
    if (!input.hasSeries) continue
    if (found === null || compareSymbols(input.entry.symbols, found.entry.symbols) < 0) found = input
  }
  return found
}

/** The chunks of an input's current series. */
function take(input: InputBlock, chunks: InputChunk[]): void {
  const { chunkCount, minTimesMs, maxTimesMs, references } = input.entry
  for (let i = 0; i < chunkCount; i++) {
    chunks.push({ input, minTimeMs: minTimesMs[i]!, maxTimeMs: maxTimesMs[i]!, reference: references[i]! })
  }
}

/** Writes the chunks of one series in the order of time. */
async function writeChunks(chunks: InputChunk[], merged: SeriesEntry, block: BlockWriter): Promise<void> {
  chunks.sort((a, b) => a.minTimeMs - b.minTimeMs)
  for (let i = 0; i < chunks.length; ) {
    const chunk = chunks[i]!
    let { maxTimeMs } = chunk
    let end = i + 1
    while (end < chunks.length && chunks[end]!.minTimeMs <= maxTimeMs) {
      maxTimeMs = Math.max(maxTimeMs, chunks[end]!.maxTimeMs)
      end++
    }
    if (end === i + 1) {
      const { chunks: reader } = chunk.input
      const stored = reader.at(chunk.reference) ?? (await reader.load(chunk.reference))
      const { wait } = copyChunk(chunk, stored, merged, block)
      if (wait !== null) await wait
    } else {
      await mergeOverlapping(chunks.slice(i, end), merged, block)
    }
    i = end
  }
}

function copyChunk(chunk: InputChunk, stored: StoredChunk, merged: SeriesEntry, block: BlockWriter): Written {
  const { data, record } = stored
  checkChunk(stored, chunk, chunk.input.chunks)
  // Every encoding begins with its number of samples.
  block.numSamples += data.readUInt16BE(0)
  block.numChunks++
  const written = block.chunks.addRecord(record)
  merged.addChunk(chunk.minTimeMs, chunk.maxTimeMs, written.reference)
  return written
}
