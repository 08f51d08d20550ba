import { describe, expect, test } from 'vitest'
import { resultOfChild } from '../process/run-child.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()
const packages = new URL('fixtures/packages.mjs', import.meta.url)

interface Result {
  saw: unknown
  report: { directWrites: number; directBytes: number; passedThrough: Record<string, { writes: number }> }
}

function run(name: string, forced: string): Promise<Result> {
  const options = { nodeArguments: ['--import', 'uncached-io/force'], env: { FORCEDIRECTIO: forced } }
  return resultOfChild<Result>(packages, [freshPath(folder), name], options)
}

describe('packages that were never told write past the page cache', () => {
  // At least so many bytes: what their files hold.
  test.each([
    ['pino', 180_000],
    ['winston', 40_000],
    ['archiver', 60_000_000],
    ['write-file-atomic', 210_000],
    ['nedb', 20_000],
  ])('%s', async (name, leastBytes) => {
    const before = await run(name, '')
    const after = await run(name, '1')
    expect(after.saw).toEqual(before.saw)
    expect(before.report.directBytes).toBe(0)
    expect(after.report.directBytes).toBeGreaterThan(leastBytes)
    expect(Object.values(after.report.passedThrough).map(({ writes }) => writes)).toEqual([0, 0, 0, 0])
  })
})
