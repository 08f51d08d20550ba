import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../bench/arguments.ts'
import { packageFolder } from '../../bench/package.ts'
import { measures } from '../../bench/report/measures.ts'
import { BenchMetrics, metricName } from '../../bench/report/prometheus/metrics.ts'
import { type MetricsServer, serveMetrics } from '../../bench/report/prometheus/server.ts'
import { checkTextfileName, writeTextfile } from '../../bench/report/prometheus/textfile.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { environment, latency, plausibleReport } from './reports.ts'
import { measured, notRun } from './runs.ts'
import { startScraper } from './scraper.ts'

const folder = temporaryFolder()

/** With everything in it that there can be. */
function full(): BenchMetrics {
  const metrics = new BenchMetrics(environment)
  const { runs } = plausibleReport()
  for (const run of runs) metrics.runEnded(run)
  metrics.runEnded(measured({ workload: 'wal', commitLatency: latency(250_000), sampleCount: 30e6 }))
  metrics.notRun(notRun())
  metrics.claimBroken({ subject: 'direct', workload: 'large', situation: 'alone', what: 'left 1 MiB' })
  metrics.progressed(0.5, 17)
  return metrics
}

const textOf = (metrics: BenchMetrics) => metrics.registry.metrics()

describe('the metrics', () => {
  it('please promtool', async () => {
    const { status, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
      input: await textOf(full()),
      encoding: 'utf8',
    })
    if (error !== undefined) throw error
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  it('have base units in their names and values, and medians as their values', async () => {
    const metrics = new BenchMetrics(environment)
    for (const seconds of [1, 2, 4]) metrics.runEnded(measured({ seconds, writeLatency: latency(2e6) }))
    const text = await textOf(metrics)
    const labels = 'subject="buffered",workload="large",situation="alone"'
    expect(text).toContain(`uncached_io_bench_throughput_bytes_per_second{${labels}} ${32 * 1024 ** 2}\n`)
    expect(text).toContain(`uncached_io_bench_write_latency_p50_seconds{${labels}} 0.002\n`)
    expect(text).toContain(`uncached_io_bench_runs{${labels},state="measured"} 3\n`)
    expect(text).toContain(`uncached_io_bench_claim_broken{${labels}} 0\n`)
    expect(text).toContain('uncached_io_bench_info{kernel="Linux 6.18.0 x64"')
    expect(new Set(measures.map(metricName)).size).toBe(measures.length)
  })

  it('tell what the neighbour felt in each phase, and which claim is broken', async () => {
    const text = await textOf(full())
    const beside = 'subject="buffered",workload="large",situation="neighbour"'
    expect(text).toContain(`uncached_io_bench_neighbour_read_seconds{${beside},phase="during",rank="p99"} 0.000036\n`)
    expect(text).toContain('uncached_io_bench_claim_broken{subject="direct",workload="large",situation="alone"} 1\n')
    expect(text).toContain('uncached_io_bench_remaining_seconds 17\n')
  })

  it('leave out the numbers of a sweep, which are of many kinds under one name', async () => {
    const metrics = new BenchMetrics(environment)
    metrics.runEnded(measured({ point: { blockBytes: 65_536, queueDepth: 1 } }))
    expect(await textOf(metrics)).not.toContain('uncached_io_bench_throughput_bytes_per_second{')
  })
})

describe('the server', () => {
  let server: MetricsServer | null = null
  afterEach(async () => {
    await server?.close()
    server = null
  })

  async function ask(path: string, method = 'GET'): Promise<{ status: number; type: string; text: string }> {
    const { port } = new URL(server!.url)
    return await new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
        )
      })
      asked.on('error', reject).end()
    })
  }

  it('serves them on this machine only, and nothing else', async () => {
    server = await serveMetrics(full().registry, 0)
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    const answer = await ask('/metrics')
    expect(answer).toMatchObject({ status: 200, type: expect.stringContaining('text/plain; version=0.0.4') })
    expect(answer.text).toContain('uncached_io_bench_progress_ratio 0.5')
    expect((await ask('/')).status).toBe(404)
    expect((await ask('/metrics', 'POST')).status).toBe(405)
  })

  it('says so when somebody else has the port', async () => {
    server = await serveMetrics(full().registry, 0)
    const port = Number(new URL(server.url).port)
    const error: unknown = await serveMetrics(full().registry, port).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toBe(`--metrics-port ${port}: somebody else listens there`)
  })

  it('is scraped by Prometheus', async () => {
    server = await serveMetrics(full().registry, 0)
    const scraper = await startScraper(new URL(server.url).host)
    try {
      const query = 'uncached_io_bench_neighbour_resident_share_ratio{subject="buffered",situation="neighbour"}'
      let value: number | null = null
      // Its first scrape comes within a second.
      for (let tries = 0; tries < 100 && value === null; tries++) {
        await sleep(100)
        value = await scraper.query(query)
      }
      expect(value).toBe(0.4)
    } finally {
      await scraper.stop()
    }
  })
})

describe('the textfile', () => {
  it('is whole whenever somebody looks, and readable by all', async () => {
    const path = join(temporaryFolder(), 'bench.prom')
    writeFileSync(path, 'of yesterday\n')
    const metrics = full()
    await writeTextfile(path, metrics.registry)
    expect(readFileSync(path, 'utf8')).toBe(await textOf(metrics))
    expect(statSync(path).mode & 0o444).toBe(0o444)
    expect(readdirSync(join(path, '..'))).toEqual(['bench.prom'])
  })

  it('stays as it was when it cannot be written', async () => {
    const path = freshPath(folder, 'folder.prom')
    execFileSync('mkdir', [path])
    await expect(writeTextfile(path, full().registry)).rejects.toThrow('EISDIR')
    expect(readdirSync(folder).filter((name) => name.includes(String(process.pid)))).toEqual([])
    expect(existsSync(path)).toBe(true)
  })

  it('has a name that the collector reads', () => {
    expect(() => checkTextfileName('/x/bench.prom')).not.toThrow()
    expect(() => checkTextfileName('/x/bench.txt')).toThrow(UsageError)
  })
})

describe('the Grafana dashboard', () => {
  interface Panel {
    readonly id: number
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets: readonly { readonly expr: string }[]
  }
  const dashboard: { readonly panels: readonly Panel[]; readonly templating: unknown; readonly schemaVersion: number } =
    JSON.parse(readFileSync(join(packageFolder, 'bench/report/prometheus/grafana-dashboard.json'), 'utf8'))

  it('asks for metrics that there are', async () => {
    const text = await textOf(full())
    const queries = [
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      JSON.stringify(dashboard.templating),
    ]
    const names = queries.flatMap((query) => query.match(/uncached_io_bench_\w+/g) ?? [])
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) expect(text, name).toMatch(new RegExp(`^${name}[ {]`, 'm'))
  })

  it('has panels that do not lie over one another', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const [i, { gridPos: a, title }] of panels.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24)
      for (const { gridPos: b } of panels.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y
        expect(apart, title).toBe(true)
      }
    }
  })
})
