import { stat } from 'node:fs/promises'
import { pageCacheOf } from '../page-cache.ts'
import { showSize } from './size.ts'
import { forEach, parse } from './usage.ts'

/** Shows how much of files is in the page cache, as fincore(1) does. */
export async function footprint(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: 'boolean', default: false } })
  const rows: object[] = []
  const code = await forEach(positionals, 'file', async (path) => {
    const residency = await pageCacheOf(path)
    const { size: sizeBytes } = await stat(path)
    rows.push({ path, sizeBytes, ...residency })
    if (values.json) return
    if (rows.length === 1) process.stdout.write(line('RESIDENT', 'DIRTY', 'SIZE', 'SHARE', 'FILE'))
    const { residentBytes, dirtyBytes } = residency
    const share = sizeBytes === 0 ? 0 : Math.min(1, residentBytes / sizeBytes)
    const dirty = dirtyBytes === null ? '?' : showSize(dirtyBytes)
    process.stdout.write(
      line(showSize(residentBytes), dirty, showSize(sizeBytes), `${(share * 100).toFixed(0)} %`, path),
    )
  })
  if (values.json && rows.length > 0) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  return code
}

function line(resident: string, dirty: string, size: string, share: string, path: string): string {
  return `${resident.padStart(10)} ${dirty.padStart(10)} ${size.padStart(10)} ${share.padStart(6)} ${path}\n`
}
