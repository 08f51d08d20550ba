import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import type { RunPlan, RunResult } from '../../bench/run/result.ts'
import { type RunContext, runOne, timeLimitMsFor } from '../../bench/run/run-one.ts'
import { measuredRunSchema } from '../../bench/schema/run.ts'
import { GIB } from '../../bench/units.ts'
import { makeRecords } from '../../bench/workloads/small-records.ts'

const scripts = mkdtempSync(join(tmpdir(), 'bench-scripts-'))
// On the project's own file system: the system's temporary folder may be one that has no other place for its pages.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => {
  rmSync(scripts, { recursive: true })
  rmSync(folder, { recursive: true })
})

/** What a writing process measures of itself. */
const numbers = {
  warmUpBytes: 0,
  seconds: 1,
  cpuUserSeconds: 0.5,
  cpuSystemSeconds: 0.25,
  residentPeakBytes: 5e7,
  eventLoopDelayMsMax: 2,
  writeLatency: null,
  commitLatency: null,
  sampleCount: null,
}

/** Stands in for the writing process; `path`, `send` and the `right` content are at hand. */
function script(body: string): URL {
  const file = join(scripts, `${readdirSync(scripts).length}.mjs`)
  writeFileSync(
    file,
    `import { once } from 'node:events'
    import { writeFileSync } from 'node:fs'
    const path = process.argv[3]
    const numbers = ${JSON.stringify(numbers)}
    const send = (report) => process.send({ state: 'written', bytes: 157, ...numbers, ...report })
    const right = Buffer.from('${makeRecords().subarray(0, 157).toString('hex')}', 'hex')
    process.send({ state: 'ready' })
    await once(process, 'message')
    ${body}`,
  )
  return pathToFileURL(file)
}

const who = { subject: 'sonic-boom', workload: 'small-records', situation: 'alone', round: 3, point: null } as const
const plan: RunPlan = { ...who, bytes: 157, warmUpBytes: 0, bytesPerSecond: null, idleSeconds: 0 }

async function run(body: string, changes: Partial<RunContext> = {}): Promise<RunResult> {
  const result = await runOne(plan, {
    folder,
    runScript: script(body),
    memoryScript: script('process.exit()'),
    makeCgroup: async () => null,
    makeShared: async () => null,
    neighbour: null,
    device: null,
    kernelThreads: false,
    startedAtMs: performance.now(),
    timeLimitMs: () => 10_000,
    signal: new AbortController().signal,
    ...changes,
  })
  expect(readdirSync(folder), 'the file is removed').toEqual([])
  return result
}

describe('runOne', () => {
  it('puts the numbers of the process and what is seen from outside together', async () => {
    const result = await run('writeFileSync(path, right, { flush: true }); send()')
    expect(result).toMatchObject({
      ...who,
      ...numbers,
      state: 'measured',
      bytes: 157,
      memory: null,
      device: null,
      kernelCpu: null,
      neighbour: null,
      // One page.
      footprint: { peakBytes: 4096, residualBytes: 4096 },
      readBack: { asLeftSeconds: expect.any(Number), coldSeconds: expect.any(Number), warmSeconds: expect.any(Number) },
    })
    const { state: _, ...figures } = result
    expect(() => measuredRunSchema.parse(figures)).not.toThrow()
  })

  it('sees a peak that is gone in the end', async () => {
    const body = `writeFileSync(path, Buffer.alloc(40960)); setTimeout(() => { writeFileSync(path, right); send() }, 300)`
    const result = await run(body)
    expect(result).toMatchObject({ footprint: { peakBytes: 40_960, residualBytes: 4096 } })
    expect('footprintSeries' in result && result.footprintSeries.some(([, bytes]) => bytes === 40_960)).toBe(true)
  })

  it('passes on what the subject says is not possible', async () => {
    expect(await run(`send({ state: 'unsupported', code: 'EOPNOTSUPP', message: 'no' })`)).toEqual({
      state: 'unsupported',
      subject: 'sonic-boom',
      workload: 'small-records',
      situation: 'alone',
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

  it('fails when what is around it cannot be measured', async () => {
    const error = Object.assign(new Error('not today'), { code: 'EPERM' })
    const changes = { makeCgroup: () => Promise.reject(error) }
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
  it('grows with the rate that is kept, and with the time without a writer', () => {
    expect(timeLimitMsFor({ bytes: 0, idleSeconds: 3 })).toBe(33_000)
    expect(timeLimitMsFor({ bytes: GIB, bytesPerSecond: GIB / 10 })).toBe(142_400)
  })

  it('grows with the bytes', () => {
    expect(timeLimitMsFor({ bytes: 0 })).toBe(30_000)
    expect(timeLimitMsFor({ bytes: GIB })).toBe(132_400)
  })
})
