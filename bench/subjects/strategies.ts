import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Mode, openWriter, type Strategy, type Writer } from 'uncached-io'
import { codeOf, messageOf } from '../errors.ts'
import type { SweepPoint } from '../run/result.ts'
import { MIB } from '../units.ts'
import { type ResidencyClaim, type Sink, type Subject, UnsupportedError } from './subject.ts'

/** Half a buffer of the writer's default: what a direct writer may have in the cache at most, were it to slip. */
const DIRECT_PEAK_BYTES_MAX = MIB

/** From here on `write` can take a chunk without copying it, whatever the buffers' size. */
const LENT_FROM_BYTES = MIB

/** What "uncached" means for strategies that go through the cache and clean up behind themselves. */
const RESIDUAL_SHARE_MAX = 0.05

const claimOf: Readonly<Record<Strategy, ResidencyClaim | null>> = {
  direct: { peakBytesMax: DIRECT_PEAK_BYTES_MAX, residualShareMax: 0 },
  dontcache: { residualShareMax: RESIDUAL_SHARE_MAX },
  evict: { residualShareMax: RESIDUAL_SHARE_MAX },
  buffered: null,
}

/** Codes that say "not on this kernel, file system or platform", as against a fault on the way. */
const unsupportedCodes: ReadonlySet<string> = new Set([
  'ERR_DIRECT_UNSUPPORTED',
  'ERR_STRATEGY_UNSUPPORTED',
  'ERR_ENGINE_UNSUPPORTED',
  'ERR_UNSUPPORTED_PLATFORM',
  'EOPNOTSUPP',
  'ENOTSUP',
  'ENOSYS',
])

/**
 * A strategy of this package, with the writer's defaults: nothing is tuned for the benchmark. Every small piece is its
 * own `writeSync`, and only a piece that did not fit is awaited. A piece of 1 MiB is given to `write`, which
 * can take it without copying, with as many of them under way as the writer has buffers.
 */
export function strategySubject(strategy: Strategy, summary: string): Subject {
  return {
    name: strategy,
    summary,
    claim: claimOf[strategy],
    strategy,
    async open(path, point = null) {
      const writer = await openInEffect(path, strategy, point)
      return new WriterSink(writer, Math.min(LENT_FROM_BYTES, point?.blockBytes ?? LENT_FROM_BYTES))
    },
  }
}

/**
 * Opens a writer under a strategy that really is in effect.
 *
 * @throws {UnsupportedError} when it is not possible, or another one would be in effect
 */
async function openInEffect(path: string, strategy: Strategy, point: SweepPoint | null = null): Promise<Writer> {
  const writer = await openOrExplain(path, strategy, point)
  try {
    requireInEffect(writer.mode, strategy)
    return writer
  } catch (error) {
    await writer[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Numbers of one strategy under the name of another would be worse than none (FORCEDIRECTIO=1 does this).
 *
 * @throws {UnsupportedError} when another one is in effect
 */
export function requireInEffect({ inEffect, why }: Mode, strategy: Strategy): void {
  if (inEffect === strategy) return
  throw new UnsupportedError(
    'ERR_STRATEGY_NOT_IN_EFFECT',
    `asked for ${strategy}, but ${inEffect} is in effect${why === null ? '' : `: ${why}`}`,
  )
}

/**
 * Finds out before anything is measured whether files in a folder are written as the subject says.
 *
 * @throws {UnsupportedError} when they are not, or the subject is no strategy of this package
 */
export async function requireStrategy(subject: Subject, folder: string): Promise<Strategy> {
  const { name, strategy } = subject
  if (strategy === null) {
    throw new UnsupportedError(
      'ERR_NO_STRATEGY',
      `${name} is no strategy of the package, through which this is written`,
    )
  }
  const path = join(folder, 'tried-out')
  const writer = await openInEffect(path, strategy)
  await writer[Symbol.asyncDispose]()
  await rm(path)
  return strategy
}

async function openOrExplain(path: string, strategy: Strategy, point: SweepPoint | null): Promise<Writer> {
  const sizes = point === null ? {} : { bufferSize: point.blockBytes, queueDepth: point.queueDepth }
  try {
    return await openWriter(path, { strategy, ...sizes })
  } catch (error) {
    throw explain(error)
  }
}

/** Some file systems take the flag at open and refuse at the first write, so every step goes through here. */
export function explain(error: unknown): unknown {
  const code = codeOf(error)
  return unsupportedCodes.has(code) ? new UnsupportedError(code, messageOf(error), { cause: error }) : error
}

function rethrowExplained(error: unknown): never {
  throw explain(error)
}

class WriterSink implements Sink {
  readonly writer: Writer
  readonly underWay: Promise<void>[] = []

  constructor(
    writer: Writer,
    readonly lentFromBytes: number,
  ) {
    this.writer = writer
  }

  put(piece: Buffer): Promise<void> | null {
    if (piece.length >= this.lentFromBytes) return this.putLarge(piece)
    return this.writer.writeSync(piece) ? null : this.writer.write(piece).catch(rethrowExplained)
  }

  putLarge(piece: Buffer): Promise<void> | null {
    const write = this.writer.write(piece).catch(rethrowExplained)
    // It is awaited later on; until then a rejection must not count as one that nobody looks at.
    write.catch(() => {})
    this.underWay.push(write)
    return this.underWay.length < this.writer.queueDepth ? null : this.underWay.shift()!
  }

  async finish(): Promise<number> {
    try {
      await Promise.all(this.underWay)
      return await this.writer.end()
    } catch (error) {
      throw explain(error)
    }
  }
}
