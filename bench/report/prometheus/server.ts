import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { UsageError } from '../../arguments.ts'
import { codeOf } from '../../errors.ts'

/** Nobody else's business: to be scraped from elsewhere it takes a proxy. */
const HOST = '127.0.0.1'

export interface MetricsServer {
  readonly url: string
  /** Ends it, with all connections. */
  close(): Promise<void>
}

/**
 * Serves the metrics at `/metrics` of this machine's own address.
 *
 * @param port 0 is any that is free
 * @throws {UsageError} when the port cannot be had
 */
export async function serveMetrics(registry: Registry, port: number): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    if (path !== '/metrics') return end(response, 404, 'metrics are at /metrics\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'GET only\n')
    registry.metrics().then(
      (text) => end(response, 200, text, registry.contentType),
      () => end(response, 500, 'the metrics could not be put together\n'),
    )
  })
  await listen(server, port)
  const { port: used } = server.address() as AddressInfo
  return {
    url: `http://${HOST}:${used}/metrics`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    server.listen(port, HOST)
    await once(server, 'listening')
  } catch (error) {
    const code = codeOf(error)
    const why = code === 'EADDRINUSE' ? 'somebody else listens there' : code
    throw new UsageError(`--metrics-port ${port}: ${why}`, { cause: error })
  }
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type })
  response.end(text)
}
