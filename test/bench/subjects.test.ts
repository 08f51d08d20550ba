import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../bench/errors.ts'
import { packageFolder } from '../../bench/package.ts'
import { subjectNamed, subjects } from '../../bench/subjects/index.ts'
import { type Sink, UnsupportedError } from '../../bench/subjects/subject.ts'
import { KIB, MIB } from '../../bench/units.ts'
import { fillPseudoRandom } from '../../bench/workloads/periodic-content.ts'
import { PieceFeed } from '../../bench/workloads/piece-feed.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const isForced = process.env.FORCEDIRECTIO === '1'
const strategies = ['direct', 'dontcache', 'evict', 'buffered']

const content = Buffer.alloc(3 * MIB)
fillPseudoRandom(content)
const cut = (...lengths: number[]) => {
  let offset = 0
  return lengths.map((length) => content.subarray(offset, (offset += length)))
}

describe.each(subjects.map(({ name }) => name))('%s', (name) => {
  /** What opening came to: an open file, or why this subject cannot be had here. */
  async function open(path: string): Promise<Sink | UnsupportedError> {
    try {
      return await subjectNamed(name).open(path)
    } catch (error) {
      if (error instanceof UnsupportedError) return error
      throw error
    }
  }

  it.each([
    ['small pieces', cut(2, 1, 150, 4), 100_003],
    ['large pieces', cut(MIB, MIB, MIB), 7 * MIB + 5],
    ['pieces around the size that is gathered', cut(64 * KIB - 1, 1, 64 * KIB, 64 * KIB + 1, 3), 2 * MIB],
  ])('writes %s in order, whole and once', async (_, pieces, bytes) => {
    const path = join(folder, `${name}.data`)
    const sink = await open(path)
    if (sink instanceof UnsupportedError) {
      // Only the strategies depend on where they run, and direct never runs as anything else.
      expect(strategies).toContain(name)
      if (isForced && name !== 'direct') expect(sink.code).toBe('ERR_STRATEGY_NOT_IN_EFFECT')
      return
    }
    expect(isForced && strategies.includes(name) && name !== 'direct').toBe(false)
    await new PieceFeed(pieces, bytes).writeInto(sink)
    expect(await sink.finish()).toBe(bytes)
    const ring = Buffer.concat(pieces)
    const expected = Buffer.alloc(bytes)
    for (let offset = 0; offset < bytes; offset += ring.length) ring.copy(expected, offset)
    expect(readFileSync(path).equals(expected)).toBe(true)
  })

  it('rejects when the file cannot be made', async () => {
    // Below a file, since some make the folders that are missing.
    const file = join(folder, 'no-folder')
    writeFileSync(file, '')
    const code = await Promise.resolve(subjectNamed(name).open(join(file, 'file'))).then(
      () => null,
      (error: unknown) => codeOf(error),
    )
    expect(['ENOTDIR', 'EEXIST', 'ENOENT']).toContain(code)
  })
})
