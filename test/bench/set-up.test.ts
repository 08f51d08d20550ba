import { existsSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { residentBytesOf } from '../../bench/measure/footprint.ts'
import { packageFolder } from '../../bench/package.ts'
import { forgetPages, setUpWorkload } from '../../bench/run/set-up.ts'
import { KIB, MIB } from '../../bench/units.ts'

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

let made = 0
/** Stands in for the process that makes what runs start from. */
function script(body: string): URL {
  const file = join(folder, `${made++}.mjs`)
  writeFileSync(file, `import { writeFileSync } from 'node:fs'\n${body}`)
  return pathToFileURL(file)
}

const workload = { name: 'some', bytes: 3 * MIB }
const never = new AbortController().signal
const done = 'process.send({ wrong: null }, () => process.disconnect())'

describe('setUpWorkload', () => {
  it('runs the script with the workload, the folder and the bytes', async () => {
    const told = join(folder, 'told')
    const body = `writeFileSync(${JSON.stringify(told)}, process.argv.slice(2).join(' ')); ${done}`
    expect(await setUpWorkload(script(body), workload, 'FOLDER', never)).toBeNull()
    expect(readFileSync(told, 'utf8')).toBe(`some FOLDER ${3 * MIB}`)
  })

  it('passes on what was wrong', async () => {
    const body = `process.send({ wrong: 'no luck' }, () => process.disconnect())`
    expect(await setUpWorkload(script(body), workload, folder, never)).toBe('no luck')
  })

  it('tells of a process that ends before it is done', async () => {
    expect(await setUpWorkload(script('process.exit(3)'), workload, folder, never)).toContain('ended before')
  })

  it('ends the process and throws when it is aborted', async () => {
    const started = join(folder, 'started')
    const body = `writeFileSync(${JSON.stringify(started)}, ''); setInterval(() => {}, 1000)`
    const abort = new AbortController()
    const setUp = setUpWorkload(script(body), workload, folder, abort.signal)
    const ended = expect(setUp).rejects.toThrow('that is enough')
    while (!existsSync(started)) await sleep(10)
    abort.abort(new Error('that is enough'))
    await ended
  })
})

describe('a process that a signal ends', () => {
  it('is taken for interrupted when the same signal reaches this process a moment later', async () => {
    const dying = join(folder, 'dying')
    const body = `writeFileSync(${JSON.stringify(dying)}, String(process.pid)); process.kill(process.pid, 'SIGKILL')`
    const abort = new AbortController()
    const ended = expect(setUpWorkload(script(body), workload, folder, abort.signal)).rejects.toThrow('interrupted')
    while (!existsSync(dying) || isThere(Number(readFileSync(dying, 'utf8')))) await sleep(1)
    abort.abort(new Error('interrupted'))
    await ended
  })
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('forgetPages', () => {
  it('drops the pages of all files in a folder that are on the disk', async () => {
    const path = join(folder, 'pages')
    writeFileSync(path, Buffer.alloc(256 * KIB, 1))
    fsyncSync(openSync(path, 'r'))
    expect(await residentBytesOf(path)).toBe(256 * KIB)
    await forgetPages(folder)
    expect(await residentBytesOf(path)).toBe(0)
  })
})
