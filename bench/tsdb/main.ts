/** The command line of the TSDB app. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CannotGoOn, print, runCommand } from '../command.ts'
import { codeOf, messageOf } from '../errors.ts'
import { layOut, wrap } from '../report/table.ts'
import { formatBytes, formatSeconds } from '../units.ts'
import { blockFolder, cleanUp, listBlocks } from './block/folders.ts'
import type { BlockMeta } from './block/meta.ts'
import { verifyBlock } from './block/verify-block.ts'
import { compactBlocks } from './compaction/compact.ts'
import { TsdbError } from './errors.ts'
import { makeFolder } from './files/folder.ts'
import { tsdbHelpText } from './help.ts'
import { readTsdbOptions, type TsdbOptions } from './options.ts'
import { generateBlocks } from './samples/generate-blocks.ts'
import { importFile } from './samples/import-file.ts'
import { refuseWal } from './wal/refuse-wal.ts'
import { WAL_FOLDER } from './wal/wal-folder.ts'
import { replay } from './wal/wal-reader.ts'

const HOUR_MS = 3_600_000
const WIDTH_MAX = 100

async function main(args: readonly string[]): Promise<number> {
  const options = readTsdbOptions(args)
  if (options === 'help') {
    process.stdout.write(tsdbHelpText)
    return 0
  }
  try {
    const startedAtMs = performance.now()
    await run(options)
    print([`${formatSeconds((performance.now() - startedAtMs) / 1e3)}.`])
    return 0
  } catch (error) {
    // What is wrong with data and disk is told in a line: it names the place.
    if (error instanceof TsdbError || codeOf(error) !== 'ERR_UNKNOWN') {
      throw new CannotGoOn(messageOf(error), { cause: error })
    }
    throw error
  }
}

async function run(options: TsdbOptions): Promise<void> {
  const { command, dir, file, settings } = options
  switch (command) {
    case 'import':
      return print(blockLines(await importFile(file, dir, settings)))
    case 'generate':
      return print(blockLines(await generate(options)))
    case 'compact':
      return await compact(options)
    case 'list':
      return print(blockLines(await listBlocks(dir)))
    case 'verify':
      return await verify(options)
    case 'replay':
      return await replayWal(join(dir, WAL_FOLDER))
  }
}

async function generate({ dir, settings, generator }: TsdbOptions): Promise<BlockMeta[]> {
  await makeFolder(dir)
  await refuseWal(dir)
  const { hours, ...options } = generator
  const endMs = options.startMs + hours * HOUR_MS
  // Up to the end of the block that the last of these hours is in.
  return await generateBlocks(dir, settings, options, (blocks) => (blocks.at(-1)?.maxTime ?? -Infinity) >= endMs)
}

async function compact({ dir, ulids, settings }: TsdbOptions): Promise<void> {
  const removed = await cleanUp(dir)
  if (removed.length > 0) print(sentence(`Removed what an earlier process had left: ${removed.join(', ')}`))
  const chosen = ulids.length > 0 ? ulids : (await listBlocks(dir)).map(({ ulid }) => ulid)
  const { meta, chunkBytes, strategy, readsWhy } = await compactBlocks(dir, chosen, settings)
  print([
    ...blockLines([meta]),
    `${chosen.length} blocks are one now: ${formatBytes(chunkBytes)} of chunks, written ${strategy}.`,
    ...(readsWhy === null ? [] : sentence(`The blocks were read through the page cache: ${readsWhy}`)),
  ])
}

async function verify({ dir, ulids }: TsdbOptions): Promise<void> {
  const chosen = ulids.length > 0 ? ulids : (await listBlocks(dir)).map(({ ulid }) => ulid)
  const metas: BlockMeta[] = []
  for (const ulid of chosen) metas.push(await verifyBlock(blockFolder(dir, ulid), 'direct'))
  print([...blockLines(metas), 'All of it is as it should be.'])
}

async function replayWal(folder: string): Promise<void> {
  if (!existsSync(folder)) throw new CannotGoOn(`${folder} is not there`)
  const log = replay(folder)
  let records = 0
  let series = 0
  let samples = 0
  for await (const { record } of log) {
    records++
    if (record.kind === 'series') series += record.series.length
    if (record.kind === 'samples') samples += record.count
  }
  const { end, torn } = log.outcome
  print([
    `${records} records with ${series} series and ${samples} samples.`,
    `The last whole record ends in segment ${end.segment} at byte ${end.offset}.`,
    ...(torn === null ? [] : sentence(`Behind it there is a torn one: ${torn.why}`)),
  ])
}

function blockLines(blocks: readonly BlockMeta[]): string[] {
  const { heading, rows } = layOut(
    [
      { heading: ['block'], align: 'left' },
      { heading: ['from'], align: 'left' },
      { heading: ['until'], align: 'left' },
      { heading: ['samples'], align: 'right' },
      { heading: ['series'], align: 'right' },
      { heading: ['chunks'], align: 'right' },
    ],
    blocks.map(({ ulid, minTime, maxTime, stats }) => ({
      cells: [
        ulid,
        timeText(minTime),
        timeText(maxTime),
        String(stats.numSamples),
        String(stats.numSeries),
        String(stats.numChunks),
      ],
    })),
    WIDTH_MAX,
  )
  return [...heading, ...rows.flat()]
}

/** `2024-01-01 02:00`, in UTC; the milliseconds where the calendar ends. */
function timeText(timeMs: number): string {
  const date = new Date(timeMs)
  if (Number.isNaN(date.getTime())) return String(timeMs)
  return date
    .toISOString()
    .replace('T', ' ')
    .replace(/:[\d.]+Z$/, '')
}

/** A text in as many lines as it needs. */
function sentence(text: string): string[] {
  return wrap(text, WIDTH_MAX)
}

await runCommand('tsdb', main)
