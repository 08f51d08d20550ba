import { readFileSync, statfsSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Strategy } from '../../src/index.ts'
import type { OpenFlags } from '../../src/options.ts'
import type { Writer } from '../../src/writer.ts'
import { randomNumbers } from '../support/bytes.ts'
import { faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'

/** In all, over all configurations: what the project promises. */
const operationsInAll = 100_000
/** A file starts anew beyond this, so that looking at its content stays cheap. */
const maxFileBytes = 1_500_000
const tmpfsMagic = 0x01021994

/** Every configuration takes its own seed from this one. MODEL_SEED runs all of them with another. */
const baseSeed = Number(process.env.MODEL_SEED ?? 20_261_123)

/** tmpfs: /dev/shm, or the temporary folder where that is one. */
function tmpfsFolder(): string {
  const folder = ['/dev/shm', tmpdir()].find((path) => {
    try {
      return statfsSync(path).type === tmpfsMagic
    } catch {
      return false
    }
  })
  if (folder === undefined) throw new Error('the model test needs a tmpfs: mount one at /dev/shm')
  return folder
}

interface Configuration {
  on: 'disk' | 'tmpfs'
  strategy: Strategy
  alignment: number
  bufferSize: number
  queueDepth: number
  seed: number
}

function configurations(): Configuration[] {
  const all: Configuration[] = []
  const alignments = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
  for (const on of ['disk', 'tmpfs'] as const) {
    for (const [index, alignment] of alignments.entries()) {
      for (const blocks of [1, 2, 5]) {
        const depth = 1 + ((index + blocks) % 4)
        // On tmpfs no file asks for less than the default of 4096.
        const block = on === 'tmpfs' ? Math.max(alignment, 4096) : alignment
        all.push({
          on,
          strategy: 'direct',
          alignment,
          bufferSize: block * blocks,
          queueDepth: depth,
          seed: 0,
        })
      }
    }
    const others: Strategy[] = on === 'disk' ? ['dontcache', 'evict', 'buffered'] : ['evict', 'buffered']
    for (const strategy of others) {
      for (const [index, bufferSize] of [4096, 3 * 4096, 65536, 262144].entries()) {
        all.push({ on, strategy, alignment: 512 << index, bufferSize, queueDepth: 1 + index, seed: 0 })
      }
    }
  }
  for (const [index, configuration] of all.entries()) configuration.seed = baseSeed + index
  return all
}

/** A pool of bytes none of which is 0 or what slots are filled with: contents are cut out of it. */
const source = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => 2 + ((i * 7919 + (i >> 8)) % 250)))

/** What a writer is held against: one buffer that is the file. */
class Model {
  readonly content = Buffer.alloc(maxFileBytes * 2)
  length = 0
  /** Where the writer stands and where its own bytes begin. */
  position = 0
  start = 0

  append(bytes: Uint8Array): void {
    this.content.set(bytes, this.position)
    this.position += bytes.byteLength
    this.length = Math.max(this.length, this.position)
  }

  get expected(): Buffer {
    return this.content.subarray(0, this.length)
  }
}

class Run {
  operations = 0
  readonly #next: (below: number) => number
  #model = new Model()
  #writer!: Writer
  #path: string
  /** A reset opens its file with the flags that the writer was opened with. */
  #flags: OpenFlags = 'w'
  /** Calls that nobody has awaited yet. */
  #loose: Promise<unknown>[] = []

  constructor(
    readonly configuration: Configuration,
    readonly folder: string,
  ) {
    this.#next = randomNumbers(configuration.seed)
    this.#path = freshPath(folder, 'model')
  }

  async run(operations: number): Promise<void> {
    await this.#open('w', 0)
    for (this.operations = 0; this.operations < operations; this.operations++) {
      await this.#step(this.#next(1000))
    }
    await this.#end()
    unlinkSync(this.#path)
  }

  async #open(flags: OpenFlags, start: number): Promise<void> {
    const { strategy, bufferSize, queueDepth, alignment } = this.configuration
    const where = flags === 'a' ? {} : { start }
    this.#writer = await openForTest(
      this.#path,
      { strategy, bufferSize, queueDepth, flags, ...where },
      { binding: faultyBinding({}), alignment: { memory: 512, offset: alignment } },
    )
    expectMode(this.#writer, strategy)
    this.#expectAlignment()
    this.#flags = flags
    this.#model.start = start
    this.#model.position = start
    if (flags === 'w') this.#model.length = 0
  }

  #expectAlignment(): void {
    const { on, strategy, alignment } = this.configuration
    if (strategyInEffect(strategy) !== 'direct') expect(this.#writer.alignment).toBeNull()
    else if (on === 'tmpfs') expect(this.#writer.alignment?.offset).toBe(Math.max(4096, alignment))
    else expect(this.#writer.alignment?.offset).toBeGreaterThanOrEqual(alignment)
  }

  #bytes(below = this.#size()): Buffer {
    const from = this.#next(source.byteLength - below)
    return source.subarray(from, from + below)
  }

  #size(): number {
    const { bufferSize } = this.configuration
    const kind = this.#next(20)
    if (kind === 0) return this.#next(bufferSize * 3)
    if (kind === 1) return bufferSize
    if (kind === 2) return this.#next(5000)
    return this.#next(200)
  }

  async #step(kind: number): Promise<void> {
    if (this.#model.length > maxFileBytes) await this.#restart()
    else if (kind < 380) await this.#write()
    else if (kind < 470) this.#loose.push(this.#take(this.#bytes()))
    else if (kind < 560) await this.#writev()
    else if (kind < 680) await this.#reserve()
    else if (kind < 740) await this.#flush()
    else if (kind < 770) await this.#sync()
    else if (kind < 950) await this.#writeAt()
    else if (kind < 970) await this.#reset()
    else if (kind < 980) await this.#settle()
    else await this.#reopen()
  }

  /** Takes effect in the model at once: calls do so in the order they are made, awaited or not. */
  #take(bytes: Uint8Array): Promise<void> {
    const written = this.#writer.write(bytes)
    this.#model.append(bytes)
    return written
  }

  async #write(): Promise<void> {
    const bytes = this.#bytes()
    if (this.#writer.writeSync(bytes)) this.#model.append(bytes)
    else await this.#take(bytes)
  }

  async #writev(): Promise<void> {
    const chunks = [this.#bytes(), this.#bytes(this.#next(30)), this.#bytes(this.#next(30))]
    const all = Buffer.concat(chunks)
    const sync = this.#next(2) === 0 && this.#writer.writevSync(chunks)
    const written = sync ? undefined : this.#writer.writev(chunks)
    this.#model.append(all)
    await written
  }

  async #reserve(): Promise<void> {
    const writer = this.#writer
    const byteLength = 1 + this.#next(this.#next(3) === 0 ? writer.bufferSize : Math.min(300, writer.bufferSize))
    let slot = writer.reserve(byteLength)
    if (slot === null) {
      await writer.drain()
      slot = writer.reserve(byteLength)
    }
    if (slot === null) throw new Error('no slot after drain')
    expect(slot.byteLength).toBe(byteLength)
    const used = this.#next(byteLength + 1)
    const bytes = this.#bytes(used)
    slot.fill(1)
    slot.set(bytes)
    writer.commit(used)
    this.#model.append(bytes)
  }

  async #flush(): Promise<void> {
    await this.#writer.flush()
    await this.#settle()
    expect(statSync(this.#path).size).toBe(this.#model.length)
    expect(this.#writer.writtenBytes).toBe(this.#writer.acceptedBytes)
    if (this.#next(6) === 0) this.#compare()
  }

  async #sync(): Promise<void> {
    const synced = this.#writer.sync()
    if (this.#next(2) === 0) this.#loose.push(synced)
    else await synced
  }

  async #writeAt(): Promise<void> {
    const { start, position, content } = this.#model
    if (position === start) return
    const offset = start + this.#next(position - start)
    const most = this.#next(5) === 0 ? this.configuration.bufferSize * 2 : 200
    const bytes = this.#bytes(Math.min(1 + this.#next(most), position - offset))
    const patched = this.#writer.writeAt(bytes, offset)
    content.set(bytes, offset)
    if (this.#next(2) === 0) this.#loose.push(patched)
    else await patched
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#loose.splice(0))
    const { start, position } = this.#model
    expect(this.#writer.position).toBe(position)
    expect(this.#writer.acceptedBytes).toBe(position - start)
    expect(this.#writer.syncedBytes).toBeLessThanOrEqual(this.#writer.writtenBytes)
    expect(this.#writer.writtenBytes).toBeLessThanOrEqual(this.#writer.acceptedBytes)
  }

  async #end(): Promise<void> {
    const { position, start } = this.#model
    expect(await this.#writer.end()).toBe(position - start)
    await this.#settle()
    expect(this.#writer.syncedBytes).toBe(position - start)
    this.#compare()
  }

  async #reset(): Promise<void> {
    const { position, start } = this.#model
    const nextPath = freshPath(this.folder, 'model')
    const there = this.#flags === 'r+' || this.#next(2) === 0 ? this.#bytes() : null
    if (there !== null) writeFileSync(nextPath, there)
    expect(await this.#writer.reset(nextPath)).toBe(position - start)
    await Promise.all(this.#loose.splice(0))
    this.#compare()
    unlinkSync(this.#path)
    this.#path = nextPath
    this.#model = new Model()
    if (there !== null && this.#flags !== 'w') {
      this.#model.append(there)
      if (this.#flags === 'r+') this.#model.position = 0
      else this.#model.start = there.byteLength
    }
    expectMode(this.#writer, this.configuration.strategy)
    this.#expectAlignment()
  }

  async #reopen(): Promise<void> {
    await this.#end()
    if (this.#next(2) === 0) await this.#open('a', this.#model.length)
    else await this.#open('r+', this.#next(this.#model.length + 1))
  }

  async #restart(): Promise<void> {
    await this.#end()
    await this.#open('w', 0)
  }

  #compare(): void {
    const file = readFileSync(this.#path)
    const { expected } = this.#model
    if (file.equals(expected)) return
    const at = file.findIndex((byte, index) => byte !== expected[index])
    throw new Error(
      `the file differs at ${at < 0 ? file.byteLength : at}: ${file.byteLength} bytes, expected ${expected.byteLength}`,
    )
  }
}

const plan = configurations()
const operationsEach = Math.ceil(operationsInAll / plan.length)
let operationsDone = 0

describe(`${operationsInAll} random operations against an array of bytes (MODEL_SEED=${baseSeed})`, () => {
  const folders = { disk: temporaryFolder(), tmpfs: temporaryFolder(tmpfsFolder()) }

  it.each(plan)(
    '$strategy on $on, alignment $alignment, $queueDepth buffers of $bufferSize, seed $seed',
    async (configuration) => {
      const run = new Run(configuration, folders[configuration.on])
      try {
        await run.run(operationsEach)
      } catch (error) {
        const message = `operation ${run.operations} with MODEL_SEED=${baseSeed}, seed ${configuration.seed}`
        throw new Error(`${message}: ${String(error)}`, { cause: error })
      } finally {
        operationsDone += run.operations
      }
    },
    120_000,
  )

  it('are all done', () => {
    expect(operationsDone).toBeGreaterThanOrEqual(operationsInAll)
  })

  it('cover a disk that is no tmpfs, and a tmpfs', () => {
    expect(statfsSync(folders.tmpfs).type).toBe(tmpfsMagic)
    expect(statfsSync(folders.disk).type).not.toBe(tmpfsMagic)
  })

  it('leave out dontcache on tmpfs, which rejects there, unless everything is direct', async () => {
    const opening = openForTest(freshPath(folders.tmpfs), { strategy: 'dontcache' }, {})
    if (strategyInEffect('dontcache') === 'direct') {
      const writer = await opening
      expectMode(writer, 'dontcache')
      await writer.end()
    } else {
      await expect(opening).rejects.toMatchObject({ code: 'ERR_STRATEGY_UNSUPPORTED' })
    }
  })
})
