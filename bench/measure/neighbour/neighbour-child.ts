/** Started by neighbour.ts: reads hot data at random, at one rate, until it is ended. Its argument are its settings. */
import { closeSync, openSync, readSync } from 'node:fs'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { isPage, PAGE_BYTES } from './hot-file.ts'
import type { FromNeighbour, NeighbourSettings, ToNeighbour } from './messages.ts'
import { PacedReader, SLICE_MS } from './paced-reader.ts'

/** The same pages in the same order beside each writer. */
const SEED = 2026
/** The kernel takes a page for hot when it has been read twice. */
const WARM_READS = 2

process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))

const settings: NeighbourSettings = JSON.parse(process.argv[2] ?? 'null')
const pageCount = Math.ceil(settings.hotBytes / PAGE_BYTES)
const file = openSync(settings.hotPath, 'r')
const page = Buffer.alloc(PAGE_BYTES)
const random = xoroshiro128plus(SEED)

/** @throws when the page that was read is another one: then nothing of what is measured can be believed. */
function readPage(number: number): void {
  const bytes = readSync(file, page, 0, PAGE_BYTES, number * PAGE_BYTES)
  if (bytes !== PAGE_BYTES || !isPage(page, number)) throw new Error(`hot page ${number} is not what was written`)
}

const reader = new PacedReader(settings.readsPerSecond, () => readPage((random.next() >>> 0) % pageCount))

function warm(): void {
  for (let round = 0; round < WARM_READS; round++) {
    for (let number = 0; number < pageCount; number++) readPage(number)
  }
}

function send(message: FromNeighbour): void {
  process.send?.(message)
}

process.on('message', (message: ToNeighbour) => {
  if (message === 'take') return send({ is: 'taken', latency: reader.take() })
  warm()
  setInterval(() => reader.slice(), SLICE_MS)
  send({ is: 'warm' })
})
process.on('exit', () => closeSync(file))
send({ is: 'started' })
