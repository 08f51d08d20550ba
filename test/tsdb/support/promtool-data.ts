/** Data that Prometheus's own code has written: what our readers have to understand. */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type BlockListing, list } from './promtool.ts'
import { outputOf } from './promtool-run.ts'

/**
 * Makes blocks of two hours, of samples in OpenMetrics text, as `promtool tsdb create-blocks-from openmetrics` writes
 * them. The folder is made if it is not there.
 *
 * @throws {Error} for a text that promtool can't read.
 */
export async function createBlocks(openMetrics: string, folder: string): Promise<BlockListing[]> {
  await withFile('samples.om', openMetrics, (file) =>
    outputOf(['tsdb', 'create-blocks-from', 'openmetrics', file, folder]),
  )
  return list(folder)
}

/** How many scrapes {@link createWal} makes in one go, and can't make fewer of. */
const SCRAPES_IN_ONE_GO = 100

/**
 * Makes a WAL, and the mapped chunks that belong to it (`chunks_head`), in a folder that is not there, as
 * `promtool tsdb bench write` does with Prometheus's own head. Each series has a sample every 30 s from 30 000 ms on:
 * 123 457 789 and 1000 more each time, a hundred times, and so on from 123 457 789.
 *
 * @param series labels, which promtool reads with a parser that knows no escapes.
 * @param scrapes samples of each series: a multiple of 100.
 */
export async function createWal(
  series: readonly Readonly<Record<string, string>>[],
  scrapes: number,
  folder: string,
): Promise<void> {
  if (scrapes % SCRAPES_IN_ONE_GO !== 0) throw new RangeError(`${scrapes} is no multiple of ${SCRAPES_IN_ONE_GO}`)
  if (existsSync(folder)) throw new Error(`${folder} is there already`)
  // What it writes besides, profiles of itself, stays where it is removed.
  const text = series.map((labels) => `${JSON.stringify(labels)}\n`).join('')
  await withFile('series.json', text, async (file) => {
    const out = join(dirname(file), 'bench')
    const counts = [`--metrics=${series.length}`, `--scrapes=${scrapes}`]
    await outputOf(['tsdb', 'bench', 'write', `--out=${out}`, ...counts, file])
    await cp(join(out, 'storage'), folder, { recursive: true })
  })
}

async function withFile(name: string, text: string, use: (file: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'uncached-io-promtool-'))
  try {
    const file = join(folder, name)
    await writeFile(file, text)
    await use(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
