/** A real Prometheus server that scrapes one target. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../support/folders.ts'

export interface Scraper {
  /** The value of the first series; `null` while there is none. */
  query(expression: string): Promise<number | null>
  stop(): Promise<void>
}

const TRIES_MAX = 200

/** @param target host and port of what is scraped */
export async function startScraper(target: string): Promise<Scraper> {
  const folder = temporaryFolder()
  const config = join(folder, 'prometheus.json')
  // YAML takes JSON as well.
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'bench', static_configs: [{ targets: [target] }] }],
    }),
  )
  const port = await freePort()
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`]
  const child = spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], {
    stdio: 'ignore',
  })
  const closed = once(child, 'close')
  const base = `http://127.0.0.1:${port}`
  await ready(base)
  return {
    async query(expression) {
      const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(expression)}`)
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
      const [first] = data.result
      return first === undefined ? null : Number(first.value[1])
    },
    async stop() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

async function ready(base: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const isReady = await fetch(`${base}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await sleep(50)
  }
  throw new Error('Prometheus did not get ready')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
