import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { segmentPath } from '../../bench/tsdb/wal/wal-folder.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { hashesOf } from './support/block-files.ts'
import { damage } from './support/samples.ts'
import { regular } from './support/series.ts'
import { linesOf, tsdb } from './support/tsdb-command.ts'
import { logOf, readLog, recordsOf, writeLog } from './wal/wal-files.ts'

const folder = temporaryFolder()
const fresh = () => freshPath(folder, 'data')
const T0 = 1_704_074_400_000

describe('replay', () => {
  const all = [1, 2, 3].map((i) => regular({ __name__: 'up', a: String(i) }, T0 + i, 20, 1000))

  /** A data folder with a WAL: a record of three series, and twenty of three samples. */
  async function withWal(): Promise<string> {
    const dir = fresh()
    mkdirSync(dir)
    await writeLog(logOf(dir), recordsOf(all).slice(0, 21), { segmentBytes: 2 ** 20 })
    return dir
  }

  it('tells what is in the WAL and where it ends, and changes nothing', async () => {
    const dir = await withWal()
    const before = hashesOf(dir)
    const { end } = (await readLog(logOf(dir))).outcome
    const records = recordsOf(all).slice(0, 21)
    const samples = (await readLog(logOf(dir))).decoded.reduce(
      (sum, one) => sum + (one.kind === 'samples' ? one.count : 0),
      0,
    )
    expect(await linesOf('replay', dir)).toEqual([
      `${records.length} records with 3 series and ${samples} samples.`,
      `The last whole record ends in segment 0 at byte ${end.offset}.`,
    ])
    expect(hashesOf(dir)).toEqual(before)
  })

  it('tells where a torn one begins, and why it is one', async () => {
    const dir = await withWal()
    const segment = segmentPath(logOf(dir), 0)
    const { places } = await readLog(logOf(dir))
    truncateSync(segment, statSync(segment).size - 3)
    const before = hashesOf(dir)
    const lines = await linesOf('replay', dir)
    const last = places.at(-1)!.offset
    expect(lines[1]).toBe(`The last whole record ends in segment 0 at byte ${last}.`)
    expect(lines.slice(2).join(' ')).toBe(
      `Behind it there is a torn one: byte ${last}: the segment ends inside a fragment`,
    )
    expect(hashesOf(dir)).toEqual(before)
  })

  it('tells a tail with whole records in it in lines that are not too long', async () => {
    const dir = await withWal()
    const segment = segmentPath(logOf(dir), 0)
    const bytes = readFileSync(segment)
    // A page that was lost, and one behind it that was not.
    const { places } = await readLog(logOf(dir))
    const from = places[10]!.offset
    writeFileSync(segment, Buffer.concat([bytes.subarray(0, from), Buffer.alloc(32_768 - from), bytes]))
    const lines = await linesOf('replay', dir)
    expect(lines[0]).toMatch(/^10 records /)
    expect(lines.slice(2).join(' ')).toMatch(/^Behind it there is a torn one: byte .* and whole records behind them$/)
  })

  it('says that a WAL is broken, and that there is none', async () => {
    const dir = await withWal()
    const segment = segmentPath(logOf(dir), 0)
    const { places } = await readLog(logOf(dir))
    damage(segment, places[5]!.offset + 10)
    const broken = await tsdb('replay', dir)
    expect(broken).toMatchObject({ code: 1, stdout: '' })
    expect(
      broken.stderr.startsWith(`tsdb: ${segment} at byte ${places[5]!.offset}: the checksum of a fragment is `),
    ).toBe(true)
    const none = fresh()
    expect(await tsdb('replay', none)).toEqual({
      code: 1,
      stdout: '',
      stderr: `tsdb: ${join(none, 'wal')} is not there\n`,
    })
  })
})
