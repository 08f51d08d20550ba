/** `npm run bench:micro`: the hot path call by call, with the disk kept out of the timed part. */
import { join } from 'node:path'
import { Bench } from 'tinybench'
import { allocAligned, openWriter } from 'uncached-io'
import { messageOf } from '../errors.ts'
import { packageFolder } from '../package.ts'
import { layOut } from '../report/table.ts'
import { WIDTH_MAX } from '../report/terminal.ts'
import { makeWorkFolder } from '../run/work-folder.ts'
import { KIB, MIB } from '../units.ts'
import { RECORD_BYTES } from '../workloads/small-records.ts'
import { type CopyCase, PlainCopyCase, ReserveCase, WriteSyncCase, WritevSyncCase } from './cases.ts'

/** Half the writer's default. A larger buffer would fall out of the CPU's cache and measure memory instead of the path. */
const BUFFER_BYTES = MIB
/** A flush leaves a started block in the buffer, and blocks have up to 64 KiB: a batch fits whatever is left there. */
const SPARE_BYTES = 64 * KIB
const RECORDS_PER_BATCH = Math.floor((BUFFER_BYTES - SPARE_BYTES) / RECORD_BYTES)
/** A few hundred batches in each case. */
const TIME_MS = 1000
/** What `writeSync` has to reach in copying alone. */
const BAR_GB_PER_SECOND = 3

async function main(): Promise<void> {
  const folder = await makeWorkFolder(packageFolder)
  try {
    // `prefer`: where the folder cannot do direct, the buffer is filled by the same code for another strategy.
    const writer = await openWriter(join(folder.path, 'micro.data'), {
      strategy: 'direct',
      policy: 'prefer',
      bufferSize: BUFFER_BYTES,
    })
    const writeSync = new WriteSyncCase(writer, RECORDS_PER_BATCH)
    const cases = [
      new PlainCopyCase(allocAligned(BUFFER_BYTES), RECORDS_PER_BATCH),
      writeSync,
      new WritevSyncCase(writer, RECORDS_PER_BATCH),
      new ReserveCase(writer, RECORDS_PER_BATCH),
    ]
    const nanosecondsPerRecord = await timeAll(cases)
    await writer.end()
    print(nanosecondsPerRecord, writeSync.name)
  } finally {
    folder.remove()
  }
}

/** @returns the median time of a record for each case, by its name. */
async function timeAll(cases: readonly CopyCase[]): Promise<Map<string, number>> {
  const bench = new Bench({ time: TIME_MS, throws: true })
  for (const copyCase of cases) {
    bench.add(copyCase.name, async () => {
      const startedAtMs = bench.now()
      copyCase.copyBatch()
      const overriddenDuration = bench.now() - startedAtMs
      await copyCase.makeRoom()
      return { overriddenDuration, overriddenIterationCost: bench.now() - startedAtMs }
    })
  }
  await bench.run()
  return new Map(
    bench.tasks.map(({ name, result }) => {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`)
      return [name, (result.latency.p50 * 1e6) / RECORDS_PER_BATCH]
    }),
  )
}

function print(nanosecondsPerRecord: ReadonlyMap<string, number>, judgedName: string): void {
  // Bytes per nanosecond are gigabytes per second.
  const rows = [...nanosecondsPerRecord].map(([name, nanoseconds]) => ({
    cells: [name, nanoseconds.toFixed(1), (RECORD_BYTES / nanoseconds).toFixed(2)],
  }))
  const table = layOut(
    [
      { heading: ['copying alone'], align: 'left' },
      { heading: ['ns/record'], align: 'right' },
      { heading: ['GB/s'], align: 'right' },
    ],
    rows,
    WIDTH_MAX,
  )
  const gbPerSecond = RECORD_BYTES / (nanosecondsPerRecord.get(judgedName) ?? Infinity)
  const verdict = gbPerSecond >= BAR_GB_PER_SECOND ? 'reaches' : 'MISSES'
  const lines = [
    `Records of ${RECORD_BYTES} bytes in pieces of 2, 1, 150 and 4; medians.`,
    '',
    ...table.heading,
    ...table.rows.flat(),
    '',
    `${judgedName}: ${gbPerSecond.toFixed(2)} GB/s ${verdict} the bar of ${BAR_GB_PER_SECOND} GB/s.`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench:micro: ${messageOf(error)}\n`)
  process.exitCode = 1
}
