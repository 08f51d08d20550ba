import { constants } from 'node:fs'
import { binding, type NativeFile } from './binding.ts'
import type { Engine } from './engine.ts'
import { codeOf, type ErrorCode, UncachedIOError } from './errors.ts'
import { cutPagesBytesMax } from './footprint.ts'
import { isUnsupported, openOnly } from './opening.ts'
import { settingsFrom } from './options.ts'
import { residencyOf } from './page-cache.ts'
import { scratchPath } from './scratch.ts'
import type { Strategy } from './strategy.ts'
import type { Writer } from './writer.ts'

/** What came of trying a strategy. */
export type StrategyFinding =
  /** It works, and kept the page cache free of the scratch file; `peakBytes` of it were there for a moment. */
  | { readonly works: true; readonly uncached: true; readonly residualBytes: number; readonly peakBytes: number }
  /** It works, and used the page cache: it left `residualBytes` there, or its writes went through it. */
  | {
      readonly works: true
      readonly uncached: false
      readonly residualBytes: number
      readonly peakBytes: number
      readonly code: 'ERR_FOOTPRINT'
      readonly reason: string
    }
  | { readonly works: false; readonly code: ErrorCode | (string & {}); readonly reason: string }

/** Whole buffers and an odd tail: what residency depends on, and done in a moment on any disk. */
const scratchBytes = 1024 * 1024 + 100

/** Little memory is touched so: the first `auto` of a program waits for all this. */
const scratchBufferSize = 256 * 1024

/** Of 1 MiB each, during some of which the cache is seen in use for certain, if it is. */
const looksMax = 16

/**
 * Tries a strategy with a real file, which has no name any more while it is written: a killed process leaves nothing.
 *
 * @throws the kernel's error when no file can be made or written: the strategy is not what is wrong then
 */
export async function tryStrategy(
  folder: string | Buffer,
  strategy: Strategy,
  engine: 'auto' | Engine,
  look: (writer: Writer) => void,
): Promise<StrategyFinding> {
  const path = scratchPath(folder, '.probe')
  const settings = {
    ...settingsFrom({ strategy, engine, bufferSize: scratchBufferSize, flags: 'wx', mode: 0o600 }),
    silent: true,
  }
  try {
    const writer = await openOnly(path, settings)
    try {
      const reader = await openAndUnlink(path)
      try {
        if (writer.mode.inEffect !== strategy) {
          return { works: false, code: 'ERR_STRATEGY_UNSUPPORTED', reason: writer.mode.why ?? '' }
        }
        look(writer)
        return await writeScratch(writer, reader)
      } finally {
        await reader.close()
      }
    } finally {
      writer.fail()
      await writer[Symbol.asyncDispose]()
    }
  } catch (error) {
    if (isUnsupported(error) || codeOf(error) === 'ERR_CONTENT') {
      return { works: false, code: codeOf(error) as string, reason: (error as Error).message }
    }
    throw error
  }
}

async function openAndUnlink(path: Buffer): Promise<NativeFile> {
  const native = binding()
  try {
    return await native.open(path, constants.O_RDONLY, 0)
  } finally {
    await native.unlink(path)
  }
}

/** Looks at a file again and again until it is stopped. What keeps it from looking is told when it stops. */
function watchPeak(file: NativeFile): { readonly bytes: number; stop: () => Promise<void> } {
  const peak = { bytes: 0, stopped: false }
  const looking = (async () => {
    while (!peak.stopped) {
      const { residentBytes } = await residencyOf(binding(), file)
      peak.bytes = Math.max(peak.bytes, residentBytes)
    }
  })()
  looking.catch(() => undefined)
  return {
    get bytes() {
      return peak.bytes
    },
    stop: async () => {
      peak.stopped = true
      await looking
    },
  }
}

async function writeScratch(writer: Writer, reader: NativeFile): Promise<StrategyFinding> {
  const peak = watchPeak(reader)
  // Where the kernel cannot say what direct I/O asks for, it may take the flag and write through the cache for a moment.
  const looks = writer.alignment?.source === 'default' ? looksMax : 1
  try {
    await writer.write(scratchContent())
    await writer.flush()
    for (let look = 1; look < looks && peak.bytes <= cutPagesBytesMax; look++) {
      await writer.writeAt(scratchContent(), 0)
      await writer.flush()
    }
  } finally {
    await peak.stop()
  }
  await writer.sync()
  const { residentBytes } = await residencyOf(binding(), reader)
  await checkContent(reader, writer.path)
  return judge(writer.mode.inEffect, residentBytes, Math.max(peak.bytes, residentBytes))
}

function judge(strategy: Strategy, residualBytes: number, peakBytes: number): StrategyFinding {
  const cached = { works: true, uncached: false, residualBytes, peakBytes, code: 'ERR_FOOTPRINT' } as const
  if (strategy === 'buffered') return { ...cached, reason: 'buffered is the page cache' }
  if (residualBytes > 0) {
    return { ...cached, reason: `it left ${residualBytes} of ${scratchBytes} bytes in the page cache` }
  }
  if (strategy === 'direct' && peakBytes > cutPagesBytesMax) {
    return { ...cached, reason: `its writes went through the page cache: ${peakBytes} bytes were there` }
  }
  return { works: true, uncached: true, residualBytes, peakBytes }
}

let made: Buffer | undefined

/** No byte of it is 0, and no two blocks are alike. */
function scratchContent(): Buffer {
  if (made !== undefined) return made
  // 251 is a prime: the pattern begins elsewhere in each block.
  const pattern = Buffer.from(Array.from({ length: 251 }, (_, index) => index + 1))
  made = Buffer.alloc(scratchBytes, pattern)
  return made
}

async function checkContent(reader: NativeFile, path: string): Promise<void> {
  const content = Buffer.alloc(scratchBytes + 1)
  let gotBytes = 0
  while (gotBytes < content.byteLength) {
    const bytes = await reader.pread(content, gotBytes, content.byteLength - gotBytes, gotBytes, 0)
    if (bytes === 0) break
    gotBytes += bytes
  }
  if (gotBytes === scratchBytes && content.subarray(0, gotBytes).equals(scratchContent())) return
  const message = `what was written to '${path}' is not what is read from it (${gotBytes} of ${scratchBytes} bytes)`
  throw new UncachedIOError('ERR_CONTENT', message, { path })
}
