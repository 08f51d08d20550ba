import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { caseNamed, throughputCases } from '../../../bench/device/cases.ts'
import { ChunkCopyLoop, CopyLoop } from '../../../bench/device/copy-loop.ts'
import { SyncStretches } from '../../../bench/device/sync-stretches.ts'
import { packageFolder } from '../../../bench/package.ts'
import { UnsupportedError } from '../../../bench/subjects/subject.ts'
import { MIB } from '../../../bench/units.ts'
import { fileContentNamed } from '../../../bench/workloads/index.ts'
import { RECORD_BYTES } from '../../../bench/workloads/small-records.ts'
import { expectEngine } from '../../support/engine.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const writing = throughputCases.filter(({ content }) => content !== null)

describe.each(writing.map(({ name }) => name))('%s', (name) => {
  it('writes its content, whole and in order, one file after the other', async () => {
    expectEngine('io_uring', 'threads')
    const throughputCase = caseNamed(throughputCases, name)
    const job = throughputCase.prepare()
    for (const bytes of [3 * MIB, 13 * MIB + 1000]) {
      const path = join(folder, `${name}.${bytes}`)
      try {
        expect((await job.write(path, bytes)).bytes).toBe(bytes)
      } catch (error) {
        // io_uring and O_DIRECT are not everywhere; a faulty case would say something else.
        if (error instanceof UnsupportedError) return
        throw error
      }
      expect(await fileContentNamed(throughputCase.content ?? '').check(path, bytes)).toBeNull()
    }
  })
})

describe('the bare copy loop', () => {
  it('copies whole records', () => {
    expect(new CopyLoop().run(5 * MIB)).toBe(Math.floor((5 * MIB) / RECORD_BYTES) * RECORD_BYTES)
  })

  it('copies whole chunks, each into a place of its own', () => {
    const loop = new ChunkCopyLoop([Buffer.alloc(MIB, 'a'), Buffer.alloc(MIB, 'b'), Buffer.alloc(MIB, 'c')])
    expect(loop.run(9.5 * MIB)).toBe(9 * MIB)
    const ends = loop.places.map((place) => String.fromCharCode(place[0]!, place[MIB - 1]!))
    expect(ends).toEqual(['cc', 'bb', 'cc', 'aa', 'bb', 'cc', 'aa', 'bb'])
  })

  it('copies as many in turns, and lets the event loop go round after each buffer', async () => {
    const loop = new CopyLoop()
    let rounds = 0
    const count = () => {
      rounds++
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    try {
      expect(await loop.runInTurns(5 * MIB)).toBe(loop.run(5 * MIB))
    } finally {
      clearImmediate(immediate)
    }
    expect(rounds).toBeGreaterThanOrEqual(3)
  })
})

describe('SyncStretches', () => {
  it('counts as one stretch what goes on without a turn, awaits or not', async () => {
    const stretches = new SyncStretches()
    await nextTurn()
    for (const bytes of [1, 2, 3]) {
      stretches.begins()
      stretches.ends(bytes)
      await Promise.resolve()
    }
    expect(stretches.longest.bytes).toBe(6)
    await nextTurn()
    await nextTurn()
    stretches.begins()
    stretches.ends(5)
    expect(stretches.longest.bytes).toBe(6)
    expect(stretches.longest.ms).toBeGreaterThanOrEqual(0)
  })
})
