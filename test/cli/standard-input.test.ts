/** What `write` reads from: pipes that are full, slow, silent or not to be waited for, sockets and files. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { cliPath } from '../process/run-child.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()
const content = someBytes(5_000_011)

/** A pipe that stays open: its end comes only when it is closed here. */
function openPipe(): number {
  const path = freshPath(folder)
  execFileSync('mkfifo', [path])
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

/** The command, reading from the pipe by a descriptor of its own. */
function start(
  pipe: number,
  path: string,
  { flags = 0, fileBlocksMax = 'unlimited', atomic = false } = {},
): ChildProcess {
  const stdin = openSync(`/proc/self/fd/${pipe}`, constants.O_RDONLY | flags)
  const command = [`ulimit -f ${fileBlocksMax}; exec "$@"`, 'sh', process.execPath, cliPath]
  const args = ['-c', ...command, 'write', path, '--strategy', 'direct', ...(atomic ? ['--atomic'] : [])]
  const child = spawn('sh', args, { stdio: [stdin, 'ignore', 'pipe'] })
  closeSync(stdin)
  return child
}

/** How it ended, and what it said. */
async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, stderr }
}

/** Fills the pipe as fast as the command empties it, in pieces that fit no page. */
async function feed(pipe: number, pieceBytes: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(pipe, bytes, at, Math.min(pieceBytes, bytes.length - at))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await passed(1)
    }
  }
}

/** Resolves when all of it was read. */
async function emptied(pipe: number): Promise<void> {
  while (await binding().waitReadable(pipe, 0)) await passed(5)
}

test.each([
  ['ever the same', 10_240],
  ['odd', 7777],
  ['large', 1_000_003],
  ['tiny', 313],
])('takes pieces of every size from a pipe: %s', async (_name, pieceBytes) => {
  const path = freshPath(folder)
  const pipe = openPipe()
  const child = start(pipe, path)
  const end = ended(child)
  await feed(pipe, pieceBytes, content)
  closeSync(pipe)
  expect(await end).toEqual({ code: 0, signal: null, stderr: '' })
  expect(readFileSync(path).equals(content)).toBe(true)
})

test('waits for a pipe that does not let readers wait', async () => {
  const path = freshPath(folder)
  const pipe = openPipe()
  const child = start(pipe, path, { flags: constants.O_NONBLOCK })
  const end = ended(child)
  for (const at of [0, 70_000]) {
    await passed(200)
    await feed(pipe, 10_000, content.subarray(at, at + 70_000))
  }
  closeSync(pipe)
  expect(await end).toEqual({ code: 0, signal: null, stderr: '' })
  expect(readFileSync(path).equals(content.subarray(0, 140_000))).toBe(true)
})

test('is shared with another reader by two commands: neither fails when the other one was faster', () => {
  const paths = [freshPath(folder), freshPath(folder)]
  // Of a socket nobody can have a description of his own: who makes it non-blocking, makes it so for all.
  const script = `perl -MFcntl -e 'fcntl(STDIN, F_SETFL, O_RDWR | O_NONBLOCK)'; exec 3<&0
    "$1" "$2" write "$3" --strategy direct <&3 & first=$!; "$1" "$2" write "$4" --strategy direct <&3 & second=$!; wait $first && wait $second`
  const args = ['-c', script, 'sh', process.execPath, cliPath, ...paths]
  const { status, stderr } = spawnSync('sh', args, { input: content, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const lengths = paths.map((path) => readFileSync(path).byteLength)
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(content.byteLength)
})

test('gives all that it took from a pipe before it was interrupted', async () => {
  const pipe = openPipe()
  binding().setPipeSize(pipe, 1024 * 1024)
  await feed(pipe, 65_536, content.subarray(0, 1024 * 1024))
  const stdin = openSync(`/proc/self/fd/${pipe}`, constants.O_RDONLY)
  // Interrupted with the first chunk, of which there are two in the pipe.
  const read = `
    const { standardInput } = await import(process.argv[1])
    const interruption = new AbortController()
    let bytes = 0
    for await (const chunk of standardInput(interruption.signal)) { bytes += chunk.length; interruption.abort() }
    process.stdout.write(String(bytes))`
  const args = ['--input-type=module', '-e', read, join(dirname(cliPath), 'cli/standard-input.js')]
  const { stdout, stderr } = spawnSync(process.execPath, args, { stdio: [stdin, 'pipe', 'pipe'], encoding: 'utf8' })
  closeSync(stdin)
  closeSync(pipe)
  expect([stdout, stderr]).toEqual([String(1024 * 1024), ''])
})

test('keeps all that has come when it is interrupted while it waits for more', async () => {
  const path = freshPath(folder)
  const pipe = openPipe()
  const child = start(pipe, path)
  const end = ended(child)
  await feed(pipe, 50_000, content)
  await emptied(pipe)
  child.kill('SIGINT')
  expect(await end).toEqual({ code: null, signal: 'SIGINT', stderr: '' })
  closeSync(pipe)
  expect(readFileSync(path).equals(content)).toBe(true)
})

test('ends when the file can take no more, though nothing comes and the pipe stays open', async () => {
  const path = freshPath(folder)
  const pipe = openPipe()
  const child = start(pipe, path, { fileBlocksMax: '4096' })
  const end = ended(child)
  await feed(pipe, 50_000, content)
  const { code, stderr } = await end
  closeSync(pipe)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^uncached-io: EFBIG: /)])
  const left = readFileSync(path)
  expect(left.equals(content.subarray(0, left.byteLength))).toBe(true)
})

const refused = { code: 1, signal: null, stderr: expect.stringMatching(/^uncached-io: EFBIG: /) }
const interrupted = { code: null, signal: 'SIGINT', stderr: '' }

test.each([
  { atomic: false, outcome: refused, left: ['file'] },
  // Nothing was to be written any more.
  { atomic: true, outcome: interrupted, left: [] },
])('an interrupted one that can not write what it has says so: atomic $atomic', async ({ atomic, outcome, left }) => {
  const own = temporaryFolder()
  const pipe = openPipe()
  const child = start(pipe, join(own, 'file'), { fileBlocksMax: '8', atomic })
  const end = ended(child)
  // Less than a buffer: it is written when the end has come.
  await feed(pipe, 50_000, content.subarray(0, 100_000))
  await emptied(pipe)
  child.kill('SIGINT')
  expect(await end).toEqual(outcome)
  closeSync(pipe)
  expect(readdirSync(own)).toEqual(left)
})

test.each([
  ['a file', content],
  ['an empty file', Buffer.alloc(0)],
])('reads %s', (_name, bytes) => {
  const [from, to] = [freshPath(folder), freshPath(folder)]
  writeFileSync(from, bytes)
  const stdin = openSync(from, 'r')
  const { status } = spawnSync(process.execPath, [cliPath, 'write', to], { stdio: [stdin, 'ignore', 'inherit'] })
  closeSync(stdin)
  expect(status).toBe(0)
  expect(readFileSync(to).equals(bytes)).toBe(true)
})

test('reads a device', () => {
  const path = freshPath(folder)
  const command = [process.execPath, cliPath, 'write', path]
  const { status } = spawnSync('sh', ['-c', '"$@" < /dev/null', 'sh', ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  expect([status, readFileSync(path).byteLength]).toEqual([0, 0])
})

test.each([true, false])('that breaks is told of, and leaves with --atomic nothing: %s', (atomic) => {
  const own = temporaryFolder()
  const args = [cliPath, 'write', join(own, 'file'), '--strategy', 'direct', ...(atomic ? ['--atomic'] : [])]
  // What can be opened and not be read.
  const stdin = openSync(own, 'r')
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: [stdin, 'pipe', 'pipe'], encoding: 'utf8' })
  closeSync(stdin)
  expect([status, stderr]).toEqual([1, 'uncached-io: EISDIR: illegal operation on a directory, read\n'])
  expect(readdirSync(own)).toEqual(atomic ? [] : ['file'])
})
