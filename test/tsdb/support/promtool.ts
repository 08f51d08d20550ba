/**
 * What Prometheus's own tool says about a data folder: promtool 2.42, of which the findings below are.
 *
 * promtool is not always honest: it passes over what it can't read and exits with 0. The functions here find that out,
 * and reject.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DumpReader } from './dump-reader.ts'
import { withView } from './folder-view.ts'
import { byLabels, type DumpedSeries, parseInteger, type SeriesResult } from './go-text.ts'
import { outputOf, run } from './promtool-run.ts'

/** A row of `promtool tsdb list`. */
export interface BlockListing {
  readonly ulid: string
  /** The first sample's timestamp. */
  readonly minTimeMs: number
  /** One more than the last sample's timestamp may be: it is not in the block. */
  readonly maxTimeMs: number
  /** This and the following two are what meta.json says: nothing is counted. */
  readonly samples: number
  readonly chunks: number
  readonly series: number
  /** All files of the block. */
  readonly sizeBytes: number
}

/** What `promtool tsdb analyze` counts in a block's index. */
export interface Analysis {
  readonly ulid: string
  /** In Go's notation: `2h0m0s`. */
  readonly duration: string
  readonly series: number
  readonly labelNames: number
  /** Different pairs of name and value. */
  readonly labelPairs: number
  /** The entries of all postings lists of those pairs: the labels of all series. */
  readonly postingsEntries: number
  /** By name of the label: how many values it has. */
  readonly labelCardinality: ReadonlyMap<string, number>
  /** By metric name: how many series it has. */
  readonly metricCardinality: ReadonlyMap<string, number>
  /** Percent of the chunks by their number of samples: up to 11, 12 to 23, ..., 108 and more. Rounded down. */
  readonly fullnessPercents: readonly number[]
}

/** The name of a block's folder, a ULID: Prometheus looks at no other ones. */
const BLOCK_FOLDER = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/**
 * The blocks of a folder, as `promtool tsdb list` has them: by minimum time. Looks at meta.json and opens index and
 * chunk files (their headers, the index's symbols and tables), but reads no series and no chunk. Changes nothing. The
 * WAL is not looked at.
 *
 * promtool passes over a block whose meta.json it can't read.
 *
 * @throws {Error} for a folder that is not there, for a block that can't be opened and for one that is passed over.
 */
export async function list(folder: string): Promise<BlockListing[]> {
  const blocks = listingsIn(await outputOf(['tsdb', 'list', folder]))
  const listed = new Set(blocks.map(({ ulid }) => ulid))
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const passedOver = entry.isDirectory() && BLOCK_FOLDER.test(entry.name) && !listed.has(entry.name)
    if (!passedOver) continue
    throw new Error(`promtool passes over the block ${join(folder, entry.name)}: it can't read its meta.json`)
  }
  return blocks
}

/** Columns: ULID, min time, max time, duration, samples, chunks, series, size. */
const LISTING = /^(\S+) +(-?\d+) +(-?\d+) +\S+ +(\d+) +(\d+) +(\d+) +(\d+)$/

function listingsIn(output: string): BlockListing[] {
  const [header, ...rows] = output.trimEnd().split('\n')
  if (header?.startsWith('BLOCK ULID ') !== true) throw new Error(`promtool lists no blocks: ${output}`)
  return rows.map((row) => {
    const found = LISTING.exec(row.trimEnd())
    if (found === null) throw new Error(`promtool lists blocks in a form that is not known: ${row}`)
    const [minTimeMs, maxTimeMs, samples, chunks, series, sizeBytes] = found.slice(2).map(parseInteger)
    return {
      ulid: found[1]!,
      minTimeMs: minTimeMs!,
      maxTimeMs: maxTimeMs!,
      samples: samples!,
      chunks: chunks!,
      series: series!,
      sizeBytes: sizeBytes!,
    }
  })
}

/**
 * What `promtool tsdb analyze --extended` says about a block, by default the one that {@link list} has last. Reads the
 * whole index and every chunk with its checksum, but doesn't decode samples. Changes nothing.
 *
 * What it prints beyond {@link Analysis} (churn, frequent pairs) holds label values, unquoted, and can't be read back.
 *
 * @throws {Error} for a block that is not there, can't be opened, or has a chunk with a wrong checksum.
 */
export async function analyze(folder: string, ulid?: string): Promise<Analysis> {
  // The lists end after 20 entries if not told otherwise; this is the largest number that promtool takes everywhere.
  const options = ['--extended', `--limit=${2 ** 31 - 1}`]
  const output = await outputOf(['tsdb', 'analyze', ...options, folder, ...(ulid === undefined ? [] : [ulid])])
  const labelCardinality = countsUnder('Highest cardinality labels', output)
  const analysis = {
    ulid: lineOf('Block ID', output),
    duration: lineOf('Duration', output),
    series: parseInteger(lineOf('Series', output)),
    labelNames: parseInteger(lineOf('Label names', output)),
    labelPairs: parseInteger(lineOf('Postings (unique label pairs)', output)),
    postingsEntries: parseInteger(lineOf('Postings entries (total label pairs)', output)),
    labelCardinality,
    metricCardinality: countsUnder('Highest cardinality metric names', output),
    fullnessPercents: fullnessIn(output),
  }
  if (ulid === undefined || analysis.ulid === ulid) return analysis
  throw new Error(`promtool was asked about the block ${ulid} and speaks of ${analysis.ulid}`)
}

/** What stands behind `name: ` in the first lines, which no label value gets into. */
function lineOf(name: string, output: string): string {
  for (const line of output.split('\n', 6)) if (line.startsWith(`${name}: `)) return line.slice(name.length + 2)
  throw new Error(`promtool's analysis has no '${name}': ${output}`)
}

/** The lines `12 name` behind the last line `title:`. */
function countsUnder(title: string, output: string): Map<string, number> {
  const begin = output.lastIndexOf(`\n${title}:\n`)
  if (begin === -1) throw new Error(`promtool's analysis has no '${title}': ${output}`)
  const [lines] = output.slice(begin + title.length + 3).split('\n\n', 1)
  return new Map(
    lines!.split('\n').map((line) => {
      const [count] = line.split(' ', 1)
      return [line.slice(count!.length + 1), parseInteger(count!)]
    }),
  )
}

/** The bars of the last lines: a `#` for each percent. */
function fullnessIn(output: string): number[] {
  const bars = output.slice(output.lastIndexOf('\nCompaction analysis:\n')).matchAll(/^ +\d+%: (#*)$/gmu)
  return Array.from(bars, (found) => found[1]!.length)
}

/**
 * All samples that Prometheus finds in a data folder, blocks and WAL, by the text of their labels (`formatLabels`).
 * Series are sorted as in an index; samples are in the order in which they were read. NaN are all the same: markers of
 * stale series are printed as `NaN`, too. The folder is not changed.
 *
 * Findings about `promtool tsdb dump`:
 * - By default it prints samples of every time. Those of several blocks are merged, with one of each timestamp. A single
 *   block's series come in the order of its index, a WAL's in none.
 * - It replays the WAL into a head as the server does: from the maximum time of the last block (by minimum time) on, and
 *   with the mapped chunks (`chunks_head`) that go beyond it as a whole. It repairs nothing: a corrupt WAL is an error.
 *   It wants a folder `wal`, which may be empty.
 * - It is not read-only: it makes a folder `chunks_head`, writes into it the chunks of the head that become full during
 *   the replay, and removes corrupt ones from it. That is why it gets to see a {@link withView view} of the folder.
 * - At a chunk that it can't read it ends silently, with exit code 0, and of native histograms it prints nothing. That is
 *   why its samples are counted: there have to be as many as the meta.json of the blocks say.
 *
 * @throws {Error} for a folder without blocks and WAL, for what {@link list} rejects, for a corrupt WAL, for samples that
 *   are missing, for series that are printed twice, and for blocks with tombstones: how many samples should be printed
 *   of them is not known.
 */
export async function dump(folder: string): Promise<Map<string, DumpedSeries>> {
  const blocks = await list(folder)
  if (blocks.length === 0 && !existsSync(join(folder, 'wal'))) throw new Error(`${folder} has neither blocks nor a WAL`)
  for (const { ulid } of blocks) await checkNothingDeleted(join(folder, ulid))
  const ulids = blocks.map(({ ulid }) => ulid)
  const series = await withView(folder, { ulids, head: true }, dumpView)
  if (areApart(blocks) && !(await goesBack(folder))) await checkComplete(folder, blocks, series)
  else {
    // What is there twice is printed once: only block by block can be counted.
    for (const block of blocks) {
      const seen = { ulids: [block.ulid], head: false }
      await checkComplete(folder, [block], await withView(folder, seen, dumpView))
    }
  }
  return byLabels(series)
}

async function dumpView(view: string): Promise<SeriesResult[]> {
  const reader = new DumpReader()
  await run(['tsdb', 'dump', view], (text) => reader.take(text))
  return reader.end()
}

async function checkNothingDeleted(block: string): Promise<void> {
  const meta = JSON.parse(await readFile(join(block, 'meta.json'), 'utf8')) as { stats?: { numTombstones?: number } }
  if ((meta.stats?.numTombstones ?? 0) > 0) throw new Error(`${block} has tombstones`)
}

/** Whether no block begins before the ones that are listed before it end. */
function areApart(blocks: readonly BlockListing[]): boolean {
  return blocks.every(({ minTimeMs }, i) => i === 0 || minTimeMs >= blocks[i - 1]!.maxTimeMs)
}

/** Whether a head may have samples before the end of the last block: mapped chunks, or a log of late samples. */
async function goesBack(folder: string): Promise<boolean> {
  for (const head of ['chunks_head', 'wbl']) {
    if (existsSync(join(folder, head)) && (await readdir(join(folder, head))).length > 0) return true
  }
  return false
}

/** Samples from the end of the last block on come from the WAL, and earlier ones don't. */
async function checkComplete(
  folder: string,
  blocks: readonly BlockListing[],
  series: readonly SeriesResult[],
): Promise<void> {
  const endMs = blocks.at(-1)?.maxTimeMs ?? -Infinity
  let dumped = 0
  for (const { timestampsMs } of series) for (const timestampMs of timestampsMs) if (timestampMs < endMs) dumped++
  const expected = blocks.reduce((sum, { samples }) => sum + samples, 0)
  if (dumped === expected) return
  // When it is for a chunk's checksum, this says so.
  for (const { ulid } of blocks) await analyze(folder, ulid)
  throw new Error(`promtool dumped ${dumped} samples of ${folder}, whose blocks have ${expected} by their meta.json`)
}
