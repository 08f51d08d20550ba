import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { byLabels } from './support/go-text.ts'
import { serverCommand, startPrometheus } from './support/prometheus-server.ts'
import { dump, list } from './support/promtool.ts'
import { createWal } from './support/promtool-data.ts'
import { awkward, blocksOf, damage, dumpOf, gauge, keyOf, T0 } from './support/samples.ts'
import { pathOfTool } from './support/tools.ts'

const everything = '{__name__=~".+"}'

/** The processes that serve a folder, or are about to. Those that have ended and wait for their parent are none. */
function serversOn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => textOf(`/proc/${pid}/cmdline`).includes(`--storage.tsdb.path=${folder}\0`))
    .map(Number)
}

/** Empty for a process that is gone by now. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

describe('a server', () => {
  it('answers with labels and values exactly as they were written', async () => {
    const folder = temporaryFolder()
    await blocksOf(folder, ...awkward)
    await using server = await startPrometheus(folder)
    expect(byLabels(await server.rawSamples(everything, T0, T0 + 1000))).toEqual(dumpOf(...awkward))
  })

  it('gives raw samples from the first to the last millisecond, and no others', async () => {
    const folder = temporaryFolder()
    const samples = Array.from({ length: 1000 }, (_, i) => [T0 + i, i] as const)
    await blocksOf(folder, gauge('up', samples), gauge('early', [[T0 + 299, 1]]))
    await using server = await startPrometheus(folder)
    for (const [begin, end] of [
      [300, 600],
      [0, 999],
      [7, 7],
    ] as const) {
      const found = await server.rawSamples(everything, T0 + begin, T0 + end)
      const early = begin <= 299 && end >= 299 ? [gauge('early', [[T0 + 299, 1]])] : []
      expect(byLabels(found)).toEqual(dumpOf(...early, gauge('up', samples.slice(begin, end + 1))))
    }
    await expect(server.rawSamples('up', T0, T0 - 1)).rejects.toThrow('duration must be greater than 0')
  })

  it('evaluates an expression step by step', async () => {
    const folder = temporaryFolder()
    await blocksOf(
      folder,
      gauge(
        'up',
        [
          [T0, 1],
          [T0 + 10, 2],
        ],
        'a',
      ),
      gauge('up', [[T0, 0.5]], 'b'),
    )
    await using server = await startPrometheus(folder)
    const timestampsMs = [T0, T0 + 5, T0 + 10]
    expect(await server.queryRange('sum(up)', T0 - 5, T0 + 14, 5)).toEqual([
      { labels: [], timestampsMs, values: [1.5, 1.5, 2.5] },
    ])
    const each = byLabels(await server.queryRange('up * 2', T0, T0 + 10, 5))
    expect(each).toEqual(
      new Map([
        ['{job="a"}', { timestampsMs, values: [2, 2, 4] }],
        ['{job="b"}', { timestampsMs, values: [1, 1, 1] }],
      ]),
    )
    await expect(server.queryRange('sum(', T0, T0, 1)).rejects.toThrow('answers to sum(: bad_data: ')
  })

  it.each([
    // Without them the WAL's samples count from the end of the last block on.
    { mapped: true, samples: 300 },
    { mapped: false, samples: 298 },
  ])('finds the same as promtool, in blocks and WAL, with mapped chunks: $mapped', async ({ mapped, samples }) => {
    const folder = join(temporaryFolder(), 'wal')
    await createWal(
      [
        { __name__: 'up', job: 'a' },
        { __name__: 'up', job: 'b' },
      ],
      300,
      folder,
    )
    if (!mapped) rmSync(join(folder, 'chunks_head'), { recursive: true })
    await blocksOf(
      folder,
      gauge(
        'up',
        [
          [0, 1],
          [60_000, 2],
        ],
        'a',
      ),
    )
    const dumped = await dump(folder)
    expect(dumped.get(keyOf('up', 'b'))?.timestampsMs).toHaveLength(samples)
    await using server = await startPrometheus(folder)
    expect(byLabels(await server.rawSamples(everything, 0, 9_000_000))).toEqual(dumped)
    expect(await server.tsdbStatus()).toMatchObject({ numSeries: 2, numLabelPairs: 3, maxTime: 9_000_000 })
    expect(server.log).toMatch(/msg="WAL replay completed"/)
    expect(server.log).not.toMatch(/level=(warn|error)/)
  })

  it('repairs a corrupt WAL, says so, and serves what is before', async () => {
    const folder = join(temporaryFolder(), 'wal')
    await createWal([{ __name__: 'up', job: 'a' }], 100, folder)
    rmSync(join(folder, 'chunks_head'), { recursive: true })
    // A sample of the bench takes a few bytes, the labels less than 50: this is in the middle of the samples.
    damage(join(folder, 'wal/00000000'), 1000)
    await using server = await startPrometheus(folder)
    expect(server.log).toMatch(/level=warn .*msg="Encountered WAL read error, attempting repair"/)
    const [found] = await server.rawSamples(everything, 0, 3_000_000)
    expect(found?.timestampsMs[0]).toBe(30_000)
    expect(found?.timestampsMs.length).toBeLessThan(100)
  })

  it('keeps blocks however old they are', async () => {
    const folder = temporaryFolder()
    // 1970 and 2200.
    const samples = [
      gauge('up', [
        [1, 1],
        [7_258_118_400_000, 2],
      ]),
    ]
    const blocks = await blocksOf(folder, ...samples)
    expect(blocks).toHaveLength(2)
    const server = await startPrometheus(folder)
    expect(byLabels(await server.rawSamples('up', 1, 7_258_118_400_000))).toEqual(dumpOf(...samples))
    await server.stop()
    expect(await list(folder)).toEqual(blocks)
  })

  it('rejects a query of a chunk that it can not read', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('up', [[T0, 1]]))
    damage(join(folder, block!.ulid, 'chunks/000001'), -5)
    await using server = await startPrometheus(folder)
    await expect(server.rawSamples('up', T0, T0)).rejects.toThrow(
      /answers to up\[1ms\]: execution: .*checksum mismatch/,
    )
  })

  it('listens on the loopback interface alone', async () => {
    await using server = await startPrometheus(temporaryFolder())
    const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0')
    const sockets = `${textOf('/proc/net/tcp')}${textOf('/proc/net/tcp6')}`
    // 0A: it listens.
    const listening = [...sockets.matchAll(/^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F:]+ 0A /gmu)].map(
      (found) => found[1],
    )
    expect(listening.filter((address) => address?.endsWith(`:${port}`))).toEqual([`0100007F:${port}`])
  })
})

describe('a server does not start', () => {
  it('on a folder with a block that can not be opened, says why, and leaves no process', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('up', [[T0, 1]]))
    damage(join(folder, block!.ulid, 'index'), 12)
    const why = /ended at its start \(exit code 1\).*corrupted block \w+: read symbols: invalid checksum/s
    await expect(startPrometheus(folder)).rejects.toThrow(why)
    expect(serversOn(folder)).toEqual([])
  })

  it('on a folder that is not there, and does not make it', async () => {
    const folder = join(temporaryFolder(), 'none')
    await expect(startPrometheus(folder)).rejects.toThrow('ENOENT')
    expect(existsSync(folder)).toBe(false)
  })
})

describe('a server is gone', () => {
  it('when it has been stopped, once or twice', async () => {
    const folder = temporaryFolder()
    const server = await startPrometheus(folder)
    expect(serversOn(folder)).toEqual([server.pid])
    await Promise.all([server.stop(), server.stop()])
    expect(serversOn(folder)).toEqual([])
    await expect(server.tsdbStatus()).rejects.toThrow('fetch failed')
  })

  it('when it does not end by itself: that is an error', async () => {
    const folder = temporaryFolder()
    const server = await startPrometheus(folder)
    process.kill(server.pid, 'SIGSTOP')
    await expect(server.stop(100)).rejects.toThrow('had to be killed 100 ms after SIGTERM')
    expect(serversOn(folder)).toEqual([])
  })

  it('when it ended before it was stopped: that is an error', async () => {
    const folder = temporaryFolder()
    const server = await startPrometheus(folder)
    process.kill(server.pid, 'SIGKILL')
    await vi.waitUntil(() => serversOn(folder).length === 0)
    await expect(server.stop()).rejects.toThrow('(SIGKILL)')
  })

  it('when the process that started it is killed', async () => {
    const folder = temporaryFolder()
    const program = `
      const [command, ...args] = JSON.parse(process.argv[1])
      const server = require('node:child_process').spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['-e', program, JSON.stringify(serverCommand(folder))], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for await (const line of createInterface(parent.stderr)) if (line.includes('is ready to receive')) break
    expect(serversOn(folder)).toHaveLength(1)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await vi.waitUntil(() => serversOn(folder).length === 0, { timeout: 10_000 })
  })
})

describe('without Prometheus', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it.each([
    { missing: 'prometheus', from: 'prometheus', there: 'setpriv' },
    { missing: 'setpriv', from: 'util-linux', there: 'prometheus' },
  ] as const)('a test fails, and is told how to install $missing', async ({ missing, from, there }) => {
    const folder = temporaryFolder()
    symlinkSync(pathOfTool(there), join(folder, there))
    vi.stubEnv('PATH', folder)
    const why = `${missing} is not installed: it is in the Debian package ${from}`
    await expect(startPrometheus(folder)).rejects.toThrow(why)
  })
})
