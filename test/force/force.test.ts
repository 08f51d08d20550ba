import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { smallDisk } from '../filesystem/small-disk.ts'
import { type ChildOptions, resultOfChild, runChild } from '../process/run-child.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()
const nodeArguments = ['--import', 'uncached-io/force']
const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url)
const forced: ChildOptions = { nodeArguments, env: { FORCEDIRECTIO: '1' } }
const asItIs: ChildOptions = { nodeArguments, env: { FORCEDIRECTIO: '' } }
const nothing = { writes: 0, bytes: 0 }
const nothingPassed = {
  'not-a-file': nothing,
  'already-direct': nothing,
  'no-direct-io': nothing,
  'cannot-be-reopened': nothing,
}

interface Seen {
  active: boolean
  passedThrough: unknown
  results: Record<string, { saw: unknown; directBytes: number }>
}

/** Each case and the bytes it writes to files, all of which have to go past the page cache. */
const cases: Record<string, number> = {
  'fs.write, every form of it': 56,
  'fs.writeSync, every form of it': 47,
  'fs.writev and writevSync': 5_000_059,
  'what util.promisify makes of them': 16,
  'the methods of FileHandle': 5_000_065,
  'writeFile and appendFile, every form of them': 5_000_111,
  positions: 40,
  'appends, whatever the position': 12,
  'appends through two descriptors of one file': 54,
  'a file that is unlinked and one that is renamed while it is written': 19,
  'streams: of fs, of a FileHandle, with start and flags': 5_000_024,
  'contexts and exceptions of callbacks': 2,
  mistakes: 7,
  'on exit': 15,
}

describe('a program sees of its writes what it saw without', async () => {
  const before = await resultOfChild<Seen>(fixture('writes.mjs'), [folder], asItIs)
  const after = await resultOfChild<Seen>(fixture('writes.mjs'), [folder], forced)

  test('there are these cases', () => {
    expect(Object.keys(before.results)).toEqual(Object.keys(cases))
    expect(Object.keys(after.results)).toEqual(Object.keys(cases))
    expect([before.active, after.active]).toEqual([false, true])
    expect([before.passedThrough, after.passedThrough]).toEqual([nothingPassed, nothingPassed])
  })

  test.each(Object.entries(cases))('%s', (name, bytes) => {
    expect(after.results[name]?.saw).toEqual(before.results[name]?.saw)
    expect(before.results[name]?.directBytes).toBe(0)
    expect(after.results[name]?.directBytes).toBe(bytes)
  })
})

test('what nobody waits for is done before anybody looks at the file, cuts it or closes it', async () => {
  const size = 1_000_001
  expect(await resultOfChild(fixture('unawaited.mjs'), [freshPath(folder)], forced)).toEqual({
    sizeSync: size,
    readSync: true,
    size,
    cutTo: 5,
    handleSize: size,
    counts: [size, size, size, size],
    other: 0,
  })
})

test('processes and threads that append to one file lose nothing', async () => {
  const path = freshPath(folder)
  const names = ['one', 'two', 'three']
  const ends = await Promise.all(names.map((name) => runChild(fixture('append.mjs'), [path, name], forced)))
  expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']))
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  for (const name of names.flatMap((process) => [process, `${process}-thread`])) {
    const own = lines.filter((line) => line.startsWith(`${name} `))
    expect(own).toEqual(Array.from({ length: 50 }, (_, number) => `${name} ${number} ${'-'.repeat(number * 37)}`))
  }
  expect(lines.length).toBe(6 * 50)
})

test('a write on a thread that has ended fails, and the next one begins another', async () => {
  const path = freshPath(folder)
  expect(await resultOfChild(fixture('dead-thread.mjs'), [path], forced)).toEqual({
    outcomes: ['ERR_IO_THREAD', ['done', null], 'ERR_IO_THREAD', ['done', 5]],
    threads: 3,
  })
  // What was on its way may have come to the file or not, and nothing else has.
  expect(readFileSync(path, 'utf8')).toMatch(/^first, (lost\?)?second, (lost\?)?third$/)
})

test('what cannot be forced goes as it went, is counted, and of regular files a warning tells', async () => {
  const own = temporaryFolder()
  const { code, stdout, stderr } = await runChild(fixture('passed.mjs'), [own], forced)
  expect(code).toBe(0)
  expect(stderr).toContain('UNCACHED_IO_PASSED_THROUGH')
  expect(JSON.parse(stdout)).toEqual({
    pipe: 'to a pipe',
    unaligned: 'EINVAL',
    comm: 'another name\n',
    size: 11,
    warnings: [
      expect.stringMatching(/page cache: the file system refuses O_DIRECT for '\/proc\/N\/comm'$/),
      expect.stringMatching(/page cache: EACCES: permission denied, open '.*\/kept'$/),
    ],
    report: {
      active: true,
      directWrites: 0,
      directBytes: 0,
      passedThrough: {
        'not-a-file': { writes: 2, bytes: 20 },
        'already-direct': { writes: 1, bytes: 9 },
        'no-direct-io': { writes: 1, bytes: 12 },
        'cannot-be-reopened': { writes: 2, bytes: 11 },
      },
    },
  })
})

test('node --import uncached-io/force --test runs a test suite over direct I/O', async () => {
  const path = freshPath(folder)
  const suite = { nodeArguments: [...nodeArguments, '--test'], env: { FORCEDIRECTIO: '1', SUITE_FILE: path } }
  // A child of vitest's is not to take itself for one of node:test's.
  const { code, stdout } = await runChild(fixture('suite.test.mjs'), [], suite)
  expect(stdout).toMatch(/pass 1\b/)
  expect(code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe('content')
})

describe('on a disk that fills up', () => {
  const disk = smallDisk()

  test('a write is short or refused, the next ones are refused, and what was written is there', async () => {
    const path = freshPath(disk.folder)
    const result = await resultOfChild<{ answers: unknown[]; written: number; size: number }>(
      fixture('full.mjs'),
      [path],
      forced,
    )
    const refused = { code: 'ENOSPC', errno: -28, syscall: 'write', message: 'ENOSPC: no space left on device, write' }
    // How much the kernel takes of a write for which there is not space enough is its file system's affair.
    expect(['short', refused]).toContainEqual(result.answers[0])
    expect(result.answers.slice(1)).toEqual([refused, refused])
    expect(result.size).toBe(result.written)
    expect(result.written).toBeGreaterThan(1 << 20)
    expect(readFileSync(path).equals(Buffer.alloc(result.written, 'x'))).toBe(true)
  })
})
