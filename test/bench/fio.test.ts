import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Fio, fioArguments, NOT_INSTALLED, parseTimes } from '../../bench/ceiling/fio.ts'
import { parseFioOutput } from '../../bench/ceiling/fio-output.ts'
import { FioProcess } from '../../bench/ceiling/fio-process.ts'
import { packageFolder } from '../../bench/package.ts'
import { UnsupportedError } from '../../bench/subjects/subject.ts'
import { GIB, MIB } from '../../bench/units.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
const emptyFolder = mkdtempSync(join(tmpdir(), 'bench-no-fio-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(emptyFolder, { recursive: true })
})

const { PATH: path } = process.env
afterEach(() => {
  process.env.PATH = path
})

const job = {
  jobname: 'fio',
  error: 0,
  job_runtime: 812,
  usr_cpu: 3.5,
  sys_cpu: 6.5,
  write: { io_bytes: GIB, runtime: 800 },
}
const output = (...jobs: object[]) => JSON.stringify({ 'fio version': 'fio-3.33', jobs }, null, 2)

describe('parseFioOutput', () => {
  it('takes time and CPU of the whole job, CPU being per cent of that time', () => {
    const parsed = parseFioOutput(output(job))
    if ('errno' in parsed) throw new Error('expected a job')
    expect(parsed).toMatchObject({ writtenBytes: GIB, seconds: 0.812 })
    expect(parsed.cpuUserSeconds).toBeCloseTo(0.02842)
    expect(parsed.cpuSystemSeconds).toBeCloseTo(0.05278)
  })

  it('skips the warnings before the JSON', () => {
    expect(parseFioOutput(`note: both iodepth >= 1 and {x}\n${output(job)}`)).toMatchObject({ seconds: 0.812 })
  })

  it('gives the errno of a job that failed', () => {
    expect(parseFioOutput(output({ ...job, error: 28 }))).toEqual({ errno: 28 })
  })

  it.each([
    ['fio: engine io_uring not loadable', 'fio gave no JSON but: fio: engine io_uring not loadable'],
    [output(), 'fio told of no job'],
    [output({ ...job, usr_cpu: undefined }), "fio's output has no number in usr_cpu"],
    [output({ ...job, write: {} }), "fio's output has no number in io_bytes"],
  ])('does not take %j for a result', (text, message) => {
    expect(() => parseFioOutput(text)).toThrow(message)
  })
})

describe('parseTimes', () => {
  it.each([
    ['0m0.001s 0m0.002s\n0m0.161s 0m0.062s\n', 0.223],
    ['0m0.000000s 0m0.000000s\n1m2.500000s 2m0.250000s', 182.75],
  ])('adds what the children took: %j', (text, seconds) => {
    expect(parseTimes(text)).toBeCloseTo(seconds)
  })

  it('does not make up a time', () => {
    expect(() => parseTimes('')).toThrow("'times' gave no time")
    expect(() => parseTimes('real 3')).toThrow("'times' gave no time but 'real'")
  })
})

describe('fioArguments', () => {
  it('asks for what the ceiling is', () => {
    const args = fioArguments('/data/file', 64 * MIB, '/data/out')
    for (const arg of ['--ioengine=io_uring', '--direct=1', '--iodepth=4', '--fixedbufs=1', '--registerfiles=1']) {
      expect(args).toContain(arg)
    }
    expect(args).toContain('--fallocate=native')
    expect(args).toContain('--end_fsync=1')
    expect(args).toContain(`--size=${64 * MIB}`)
  })

  it('keeps a colon in a name from naming two files', () => {
    expect(fioArguments('/data/a:b', MIB, '/out')).toContain('--filename=/data/a\\:b')
  })
})

/** Whether fio can do this here is not what is tested; whether it says so is. */
async function orUnsupported<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof UnsupportedError && error.code !== NOT_INSTALLED) return null
    throw error
  }
}

describe('Fio', () => {
  it('writes a file of the right length and leaves nothing else behind', async () => {
    const file = join(folder, 'fio:file')
    const run = await orUnsupported(new Fio(file, 4 * MIB).run(true))
    if (run !== null) {
      expect(run.writtenBytes).toBe(4 * MIB)
      expect(run.seconds).toBeGreaterThan(0)
      expect(run.wholeCpuSeconds).toBeGreaterThan(0)
      expect(statSync(file).size).toBe(4 * MIB)
    }
    rmSync(file, { force: true })
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([true, false])('says how to get fio where there is none (whole CPU: %s)', async (whole) => {
    process.env.PATH = emptyFolder
    await expect(new Fio(join(folder, 'none'), MIB).run(whole)).rejects.toMatchObject({
      name: 'UnsupportedError',
      code: 'ERR_NOT_INSTALLED',
      message: 'fio is not installed (Debian: apt-get install fio)',
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses what is less than one of its blocks', async () => {
    await expect(new Fio(join(folder, 'small'), 157).run(false)).rejects.toMatchObject({ code: 'ERR_TOO_SMALL' })
  })
})

describe('FioProcess', () => {
  const never = new AbortController().signal

  it('reports as the process of any subject does', async () => {
    const file = join(folder, 'process')
    const process_ = new FioProcess('fio', file, 2 * MIB, 60_000, never)
    expect(await process_.ready()).toBeNull()
    const report = await process_.write()
    await process_.end()
    rmSync(file, { force: true })
    if (report.state === 'unsupported') return
    expect(report).toMatchObject({ state: 'written', bytes: 2 * MIB, eventLoopDelayMsMax: null })
  })

  it('is not possible without fio', async () => {
    process.env.PATH = emptyFolder
    const process_ = new FioProcess('fio', join(folder, 'none'), MIB, 60_000, never)
    expect(await process_.write()).toMatchObject({ state: 'unsupported', code: 'ERR_NOT_INSTALLED' })
    await process_.end()
  })

  it('ends fio when the benchmark is interrupted', async () => {
    const file = join(folder, 'interrupted')
    const controller = new AbortController()
    const process_ = new FioProcess('fio', file, GIB, 60_000, controller.signal)
    const writing = process_.write()
    controller.abort()
    await process_.end()
    const report = await writing
    rmSync(file, { force: true })
    expect(['failed', 'unsupported', 'written']).toContain(report.state)
  })
})
