import { existsSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fc } from '@fast-check/vitest'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Strategy } from '../../src/index.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { commandsFor, made } from './commands.ts'
import { anyMoods } from './disk-moods.ts'
import { type Configuration, Subject } from './subject.ts'

/**
 * Random calls on a writer against an array of bytes: under every strategy and both engines, on a disk that answers late and in
 * any order, takes less than asked, runs out of space and breaks. What fails is cut down to a short script, printed with
 * what replays it: MODEL_SEED and, in `fc.commands`, the replayPath.
 */

/** 1,000,000 in the long profile: `MODEL_OPERATIONS=1000000`. */
const operationsInAll = Number(process.env.MODEL_OPERATIONS ?? 50_000)
const seed = Number(process.env.MODEL_SEED ?? 20_261_130)
const tmpfsMagic = 0x01021994
const commandsMax = 60
/** Between two looks at how many calls there have been. */
const runsAtOnce = 20
/** Some 1 ms a call, on a slow day ten times as much. */
const timeLimitMs = 60_000 + operationsInAll

function isTmpfs(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === tmpfsMagic
}

/** tmpfs: /dev/shm, or the temporary folder where that is one. */
function tmpfsFolder(): string {
  const folder = ['/dev/shm', tmpdir()].find(isTmpfs)
  if (folder === undefined) throw new Error('the model test needs a tmpfs: mount one at /dev/shm')
  return folder
}

const folders = { disk: temporaryFolder(), tmpfs: temporaryFolder(tmpfsFolder()) }
const strategies: Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

/** dontcache is no strategy of tmpfs. */
const cases = (['disk', 'tmpfs'] as const).flatMap((on) =>
  strategies
    .filter((strategy) => on === 'disk' || strategy !== 'dontcache')
    .flatMap((strategy) => enginesHere().map((engine) => ({ on, strategy, engine }))),
)

/** Alignments, buffers from one block on, and depths. On tmpfs no file asks for less than 4096. */
const anySizes = (on: 'disk' | 'tmpfs') =>
  fc
    .record({
      power: fc.integer({ min: 9, max: 16 }),
      blocks: fc.integer({ min: 1, max: 5 }),
      depth: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ power, blocks, depth }) => {
      const alignment = 2 ** power
      const block = on === 'tmpfs' ? Math.max(alignment, 4096) : alignment
      return { alignment, block, bufferSize: blocks * block, queueDepth: depth }
    })

let failures = 0
let shortWrites = 0

describe(`${operationsInAll} random calls against an array of bytes (MODEL_SEED=${seed})`, () => {
  describe.each(cases)('$strategy on $on by $engine', ({ on, strategy, engine }) => {
    beforeEach(() => expectEngine(engine))

    it(
      'keeps every accepted byte, in its place',
      async () => {
        const before = made.operations
        const wanted = Math.ceil(operationsInAll / cases.length)
        const inAll = anySizes(on).chain((sizes) =>
          fc.tuple(
            fc.constant(sizes),
            anyMoods,
            fc.commands(commandsFor(sizes.bufferSize), { maxCommands: commandsMax, size: 'max' }),
          ),
        )
        const property = fc.asyncProperty(inAll, async ([sizes, moods, commands]) => {
          const configuration: Configuration = { strategy, engine, ...sizes }
          await fc.asyncModelRun(async () => {
            const subject = new Subject(configuration, folders[on], moods)
            subjects.push(subject)
            await subject.open('w', 0)
            return { model: {}, real: subject }
          }, commands)
          await finish()
        })
        const offset = cases.findIndex((one) => one.on === on && one.strategy === strategy && one.engine === engine)
        for (let round = 0; made.operations - before < wanted; round++) {
          await fc.assert(property, { seed: seed + offset + 1000 * round, numRuns: runsAtOnce })
        }
      },
      timeLimitMs,
    )
  })

  const subjects: Subject[] = []

  /** Whatever was last asked of a writer, it ends, and its file is right. */
  async function finish(): Promise<void> {
    const subject = subjects.pop() as Subject
    await subject.settle()
    await subject.end()
    failures += subject.disk.failures
    shortWrites += subject.disk.shortWrites
    rmSync(subject.path, { force: true })
  }

  it('are all made', () => expect(made.operations).toBeGreaterThanOrEqual(operationsInAll))

  it('meet disks that fail, take less, and break', () => {
    expect(failures).toBeGreaterThan(operationsInAll / 100)
    expect(shortWrites).toBeGreaterThan(operationsInAll / 100)
    expect(Subject.retries).toBeGreaterThan(operationsInAll / 100)
    expect(Subject.broken).toBeGreaterThan(operationsInAll / 2000)
  })

  it('cover a disk that is no tmpfs, and a tmpfs', () => {
    expect(statfsSync(folders.tmpfs).type).toBe(tmpfsMagic)
    expect(statfsSync(folders.disk).type).not.toBe(tmpfsMagic)
  })

  afterAll(() => {
    const { operations } = made
    const { retries, broken } = Subject
    process.stdout.write(`model: ${JSON.stringify({ operations, failures, shortWrites, retries, broken })}\n`)
  })
})
