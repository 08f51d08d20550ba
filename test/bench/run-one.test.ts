import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { RunResult } from '../../bench/run/result.ts'
import { type RunContext, runOne, timeLimitMsFor } from '../../bench/run/run-one.ts'
import { GIB } from '../../bench/units.ts'
import { makeRecords } from '../../bench/workloads/small-records.ts'

const scripts = mkdtempSync(join(tmpdir(), 'bench-scripts-'))
const folder = mkdtempSync(join(tmpdir(), 'bench-run-'))
afterAll(() => {
  rmSync(scripts, { recursive: true })
  rmSync(folder, { recursive: true })
})

/** Stands in for the writing process; `path`, `send` and the `right` content are at hand. */
function script(body: string): URL {
  const file = join(scripts, `${readdirSync(scripts).length}.mjs`)
  writeFileSync(
    file,
    `import { once } from 'node:events'
    import { writeFileSync } from 'node:fs'
    const path = process.argv[3]
    const numbers = { seconds: 1, cpuUserSeconds: 0.5, cpuSystemSeconds: 0.25, eventLoopDelayMsMax: 2, sampleCount: null, commits: null }
    const send = (report) => process.send({ state: 'written', bytes: 157, ...numbers, ...report })
    const right = Buffer.from('${makeRecords().subarray(0, 157).toString('hex')}', 'hex')
    process.send({ state: 'ready' })
    await once(process, 'message')
    ${body}`,
  )
  return pathToFileURL(file)
}

const plan = { subject: 'sonic-boom', workload: 'small-records', round: 3, bytes: 157 }

async function run(body: string, changes: Partial<RunContext> = {}): Promise<RunResult> {
  const result = await runOne(plan, {
    folder,
    runScript: script(body),
    memoryScript: script('process.exit()'),
    residentBytesOf: async (path) => (await stat(path)).size * 10,
    makeCgroup: async () => null,
    device: null,
    timeLimitMs: () => 10_000,
    signal: new AbortController().signal,
    ...changes,
  })
  expect(readdirSync(folder), 'the file is removed').toEqual([])
  return result
}

describe('runOne', () => {
  it('puts the numbers of the process and the footprint seen from outside together', async () => {
    expect(await run('writeFileSync(path, right); send()')).toEqual({
      ...plan,
      state: 'measured',
      seconds: 1,
      cpuUserSeconds: 0.5,
      cpuSystemSeconds: 0.25,
      footprintPeakBytes: 1570,
      footprintResidualBytes: 1570,
      eventLoopDelayMsMax: 2,
      sampleCount: null,
      commits: null,
      cacheChargePeakBytes: null,
      cacheChargeMeanBytes: null,
      deviceReadBytes: null,
      deviceWrittenBytes: null,
    })
  })

  it('sees a peak that is gone in the end', async () => {
    const body = `writeFileSync(path, Buffer.alloc(1e4)); setTimeout(() => { writeFileSync(path, right); send() }, 300)`
    expect(await run(body)).toMatchObject({ footprintPeakBytes: 1e5, footprintResidualBytes: 1570 })
  })

  it('passes on what the subject says is not possible', async () => {
    expect(await run(`send({ state: 'unsupported', code: 'EOPNOTSUPP', message: 'no' })`)).toEqual({
      state: 'unsupported',
      subject: 'sonic-boom',
      workload: 'small-records',
      round: 3,
      code: 'EOPNOTSUPP',
      message: 'no',
    })
  })

  it('reports a process that throws with the error it threw', async () => {
    expect(await run(`writeFileSync(path, right); throw new Error('out of luck')`)).toMatchObject({
      state: 'failed',
      code: 'ERR_PROCESS_ENDED',
      message: 'the process ended with exit code 1 before it was done: Error: out of luck',
    })
  })

  it('reports a process that crashes with its signal', async () => {
    expect(await run(`process.kill(process.pid, 'SIGSEGV')`)).toMatchObject({
      state: 'failed',
      message: 'the process ended with SIGSEGV before it was done',
    })
  })

  it('ends a process that hangs', async () => {
    const result = await run('setInterval(() => {}, 1000)', { timeLimitMs: () => 500 })
    expect(result).toMatchObject({ state: 'failed', code: 'ERR_TIME_LIMIT' })
  })

  it('does not believe a process that says it wrote less', async () => {
    expect(await run('writeFileSync(path, right); send({ bytes: 156 })')).toMatchObject({
      state: 'failed',
      code: 'ERR_WRONG_BYTES',
      message: 'it says to have written 156 bytes instead of 157',
    })
  })

  it('does not believe a process that wrote something else', async () => {
    expect(await run('right[5] ^= 1; writeFileSync(path, right); send()')).toMatchObject({
      state: 'failed',
      code: 'ERR_WRONG_BYTES',
      message: 'wrong content at offset 5',
    })
  })

  it('fails when the footprint cannot be had', async () => {
    const error = Object.assign(new Error('not today'), { code: 'EPERM' })
    const changes = { residentBytesOf: () => Promise.reject(error) }
    expect(await run('writeFileSync(path, right); send()', changes)).toMatchObject({
      state: 'failed',
      code: 'EPERM',
      message: 'not today',
    })
  })

  it('ends the process and throws when the benchmark is interrupted', async () => {
    const controller = new AbortController()
    const running = run('writeFileSync(path, right); setInterval(() => {}, 1000)', {
      signal: controller.signal,
    })
    setTimeout(() => controller.abort(new Error('enough')), 300)
    await expect(running).rejects.toThrow('enough')
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('timeLimitMsFor', () => {
  it('grows with the bytes', () => {
    expect(timeLimitMsFor(0)).toBe(30_000)
    expect(timeLimitMsFor(GIB)).toBe(132_400)
  })
})
