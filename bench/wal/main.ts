/** `npm run bench:wal`: what a commit of a write-ahead log costs under each strategy, by the size of the batch. */
import { resolve } from 'node:path'
import { parseOrExplain, readCount, readPath } from '../arguments.ts'
import { CannotGoOn, checkBeforehand, print, runCommand } from '../command.ts'
import { messageOf } from '../errors.ts'
import { watchForInterruption } from '../interruption.ts'
import { deviceOf } from '../measure/device-io.ts'
import { packageFolder } from '../package.ts'
import { layOut, wrap } from '../report/table.ts'
import { WIDTH_MAX } from '../report/terminal.ts'
import { makeWorkFolder, settle } from '../run/work-folder.ts'
import { subjectNamed } from '../subjects/index.ts'
import { requireStrategy } from '../subjects/strategies.ts'
import { type Strategy, strategies } from '../tsdb/settings.ts'
import { formatBytes, MIB } from '../units.ts'
import { batchSizes, type Cell, type CellRun, mediansOf, runCell, type Sync, syncs } from './cells.ts'

const DEFAULT_ROUNDS = 5
const ROUNDS_MAX = 1000
/** A segment of the WAL, preallocated, and another one before it is removed. */
const NEEDED_BYTES = 256 * MIB

const optionTypes = {
  dir: { type: 'string' },
  rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
  help: { type: 'boolean', default: false },
} as const

const helpText = `Usage: npm run bench:wal -- [options]

Writes Prometheus WALs in batches of several sizes, flushed after each batch, with and without a
sync, under each strategy, and shows what a commit takes. Under five minutes.

Options
  --dir DIR     write in a sub-folder of DIR (default: a temporary folder beside the project)
  --rounds N    how often everything runs; medians are shown (default: ${DEFAULT_ROUNDS})
  --help        this text
`

async function main(args: readonly string[]): Promise<number> {
  const values = parseOrExplain(args, optionTypes)
  if (values.help) {
    process.stdout.write(helpText)
    return 0
  }
  const rounds = readCount('--rounds', values.rounds, ROUNDS_MAX)
  const asked = { dir: readPath('--dir', values.dir), jsonFile: null }
  const dir = resolve(asked.dir ?? packageFolder)
  await checkBeforehand(asked, dir, NEEDED_BYTES)
  const interruption = watchForInterruption()
  try {
    const runs = await runRounds(dir, rounds, interruption.signal)
    for (const sync of syncs) print([...tableLines(runs, sync), ''])
    print(legend.flatMap((line) => wrap(line, WIDTH_MAX)))
    return interruption.exitCode() ?? 0
  } finally {
    interruption.stop()
  }
}

const legend = [
  'A commit is the time from the last byte of a batch until it is in the file, at its exact length, and durable where ' +
    'each batch is synced. Device bytes are what the block device wrote for each byte of a record, by anybody: tails ' +
    'that are written again, padding, journal and metadata.',
]

type Runs = Map<string, { readonly cell: Cell; readonly runs: CellRun[]; readonly why: string | null }>

async function runRounds(dir: string, rounds: number, signal: AbortSignal): Promise<Runs> {
  const folder = await makeWorkFolder(dir)
  const found = await deviceOf(dir)
  const device = 'why' in found ? null : found
  const all: Runs = new Map()
  try {
    for (const cell of await cells(folder.path)) all.set(JSON.stringify(cell.cell), { ...cell, runs: [] })
    // The first round compiles the code, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const { cell, runs, why } of all.values()) {
        if (signal.aborted) return all
        if (why !== null) continue
        const run = await runCell(cell, folder.path, device)
        if (round > 0) runs.push(run)
        await settle(folder.path)
      }
      process.stderr.write(`round ${round} of ${rounds}\n`)
    }
    return all
  } finally {
    folder.remove()
  }
}

/** The strategies take turns, so that what changes slowly meets all of them. */
async function cells(folder: string): Promise<{ readonly cell: Cell; readonly why: string | null }[]> {
  const whyNot = new Map<Strategy, string | null>()
  for (const strategy of strategies) whyNot.set(strategy, await whyNotPossible(strategy, folder))
  if ([...whyNot.values()].every((why) => why !== null)) throw new CannotGoOn('no strategy is possible here')
  return syncs.flatMap((sync) =>
    batchSizes.flatMap((batchBytes) =>
      strategies.map((strategy) => ({ cell: { strategy, batchBytes, sync }, why: whyNot.get(strategy) ?? null })),
    ),
  )
}

async function whyNotPossible(strategy: Strategy, folder: string): Promise<string | null> {
  try {
    await requireStrategy(subjectNamed(strategy), folder)
    return null
  } catch (error) {
    return messageOf(error)
  }
}

function tableLines(all: Runs, sync: Sync): string[] {
  const rows = [...all.values()].filter(({ cell }) => cell.sync === sync)
  const { heading, rows: lines } = layOut(
    [
      { heading: ['batch'], align: 'right' },
      { heading: ['strategy'], align: 'left' },
      { heading: ['commit', 'p50 us'], align: 'right' },
      { heading: ['commit', 'p99 us'], align: 'right' },
      { heading: ['MiB/s'], align: 'right' },
      { heading: ['CPU us', 'per commit'], align: 'right' },
      { heading: ['device bytes', 'per byte'], align: 'right' },
    ],
    rows.map(({ cell, runs, why }) => ({ cells: cellsOf(cell, runs, why) })),
    WIDTH_MAX,
  )
  return [sync === 'never' ? 'Batches that are not synced' : 'Each batch synced', '', ...heading, ...lines.flat()]
}

function cellsOf({ batchBytes, strategy }: Cell, runs: readonly CellRun[], why: string | null): string[] {
  const head = [formatBytes(batchBytes), strategy]
  if (runs.length === 0) return [...head, why ?? 'not run']
  const { p50Ns, p99Ns, bytesPerSecond, cpuNsPerCommit, deviceBytesPerByte } = mediansOf(runs)
  return [
    ...head,
    (p50Ns / 1e3).toFixed(0),
    (p99Ns / 1e3).toFixed(0),
    (bytesPerSecond / MIB).toFixed(1),
    (cpuNsPerCommit / 1e3).toFixed(0),
    deviceBytesPerByte === null ? '-' : deviceBytesPerByte.toFixed(2),
  ]
}

await runCommand('bench:wal', main)
