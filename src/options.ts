import { fileURLToPath } from 'node:url'
import { isAnyArrayBuffer } from 'node:util/types'
import { type Engine, engines } from './engine.ts'
import { argumentError } from './errors.ts'
import { openingOf } from './open-flags.ts'
import { type Strategy, strategies } from './strategy.ts'

/** A path as Node's fs takes it. A Buffer is for names that are not UTF-8. */
export type PathLike = string | Buffer | URL

/** `w`: emptied or made. `wx`: made, must not exist. `a`: continued or made. `ax`: as `wx`. `r+`: must exist, kept. */
export type OpenFlags = 'w' | 'wx' | 'a' | 'ax' | 'r+'

export interface OpenOptions {
  /**
   * Default `w`. Also in the other spellings of node:fs: a `+` behind `w`, `wx`, `a` or `ax` and an `s` change nothing, and
   * a number is taken as flags of open(2) for writing.
   */
  flags?: OpenFlags | (string & {}) | number | undefined
  /** Permissions of a new file, before the umask: a number, or octal digits. Default 0o666. */
  mode?: number | string | undefined
  /** File offset of the first byte written, any number. Default 0; not with `a`, which starts at the file's end. */
  start?: number | undefined
  /** Bytes in one buffer and in one large write, a multiple of the file's block. Default 2 MiB. */
  bufferSize?: number | undefined
  /** Buffers at most, hence writes in flight at most, 1 to 64. Default 4. */
  queueDepth?: number | undefined
  /** Bytes to allocate from `start` on when opening. The file is that long until `end`, which cuts it. Default 0. */
  preallocate?: number | undefined
  /** What brings writes to the kernel. Default `auto`: io_uring where it can be used, else threads. */
  engine?: 'auto' | Engine | undefined
  /** Aborting it is `fail(signal.reason)`: what is buffered is dropped, the file closed. */
  signal?: AbortSignal | undefined
  /**
   * Looks at the file's own footprint while writing and when it ends, whatever the file system says. Where the page cache
   * is used all the same, `require` fails the writer with ERR_FOOTPRINT and the figure, `prefer` goes on as `evict`, and
   * as `buffered` when that does not help either. Pages that others bring in by reading the file meanwhile are counted:
   * the kernel does not say whose they are. Default false.
   */
  verify?: boolean | undefined
  /** What is to be in the page cache after `end`, for a reader that comes soon: a footer, an index. See `warm`. */
  keepCached?: readonly KeptRange[] | undefined
}

/** Part of a file, in bytes. */
export interface KeptRange {
  /** File offset; negative: counted from the file's end. */
  offset: number
  /** Default: up to the file's end. */
  length?: number | undefined
}

export interface OpenWriterOptions extends OpenOptions {
  /** Default `auto`: the first of direct, dontcache, evict that works in the folder and leaves nothing behind, by `probe`. */
  strategy?: 'auto' | Strategy | undefined
  /**
   * `require`: a strategy that is not possible rejects; with `auto`, an uncached one is required. `prefer`: the next best
   * one is taken, for `auto` down to `buffered`. Default `require` for a strategy that is named, `prefer` for `auto`.
   */
  policy?: Policy | undefined
}

/** What is done where a strategy is not possible, or does not keep what it promises. */
export type Policy = 'require' | 'prefer'

/** Options, checked and complete. */
export interface Settings {
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  readonly append: boolean
  readonly mode: number
  readonly start: number
  readonly bufferSize: number
  readonly queueDepth: number
  readonly preallocate: number
  readonly engine: 'auto' | Engine
  readonly strategy: 'auto' | Strategy
  readonly policy: Policy
  readonly verify: boolean
  readonly keepCached: readonly KeptRange[]
  /** Whether nothing is told on the channels: the file is none of the caller's. */
  readonly silent: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * 2 MiB, a large page: against 1 MiB a seventh less CPU where measured, and no faster beyond. Four of them fit any
 * container.
 */
const defaultBufferSize = 2 * 1024 * 1024
/** 1 GiB: more in one buffer than the kernel takes in one write (2 GiB less a page) would only ever be cut. */
const maxBufferSize = 1024 * 1024 * 1024
/** 4: one being filled, one on the device, and two to even out both sides. More bought nothing where measured. */
const defaultQueueDepth = 4
/** 64: more writes of a buffer each than any disk's queue makes use of. */
const maxQueueDepth = 64

const knownOptions = new Set(
  Object.keys({
    flags: 0,
    mode: 0,
    start: 0,
    bufferSize: 0,
    queueDepth: 0,
    preallocate: 0,
    engine: 0,
    signal: 0,
    strategy: 0,
    policy: 0,
    verify: 0,
    keepCached: 0,
  } satisfies Record<keyof OpenWriterOptions, 0>),
)

/**
 * Checks options and fills in defaults.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; RangeError ERR_OUT_OF_RANGE
 */
export function settingsFrom(options: OpenWriterOptions): Settings {
  checkNames(options, knownOptions)
  const opening = openingOf(options.flags ?? 'w')
  if (opening.append && options.start !== undefined) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'start does not go with flags that append, which start at the end')
  }
  checkSignal(options.signal)
  const strategy = oneOf('strategy', options.strategy ?? 'auto', ['auto', ...strategies]) as 'auto' | Strategy
  const policy = options.policy ?? (strategy === 'auto' ? 'prefer' : 'require')
  return {
    ...opening,
    mode: modeOf(options.mode ?? 0o666),
    start: integer('start', options.start ?? 0, 0),
    bufferSize: integer('bufferSize', options.bufferSize ?? defaultBufferSize, 1, maxBufferSize),
    queueDepth: integer('queueDepth', options.queueDepth ?? defaultQueueDepth, 1, maxQueueDepth),
    preallocate: integer('preallocate', options.preallocate ?? 0, 0),
    engine: oneOf('engine', options.engine ?? 'auto', ['auto', ...engines]) as 'auto' | Engine,
    strategy,
    policy: oneOf('policy', policy, ['require', 'prefer']) as Policy,
    verify: flag('verify', options.verify ?? false),
    keepCached: keptRanges(options.keepCached ?? []),
    silent: false,
    signal: options.signal,
  }
}

/** Permissions, as a number or as octal digits. */
function modeOf(mode: unknown): number {
  if (typeof mode === 'string' && /^[0-7]{1,5}$/.test(mode)) return Number.parseInt(mode, 8)
  if (typeof mode === 'string') throw argumentError('ERR_INVALID_ARG_VALUE', `mode must be octal digits, not '${mode}'`)
  return integer('mode', mode, 0, 0o7777)
}

/** What `reset` may change for the next file. */
export interface ResetOptions {
  start?: number | undefined
  preallocate?: number | undefined
}

const knownResetOptions = new Set(Object.keys({ start: 0, preallocate: 0 } satisfies Record<keyof ResetOptions, 0>))

/**
 * The settings of a next file.
 *
 * @throws as `settingsFrom`
 */
export function nextSettings(settings: Settings, options: ResetOptions): Settings {
  checkNames(options, knownResetOptions)
  const start = integer('start', options.start ?? 0, 0)
  if (settings.append && options.start !== undefined) {
    throw argumentError('ERR_INVALID_ARG_VALUE', `start does not go with appending, which starts at the end`)
  }
  return {
    ...settings,
    start,
    preallocate: integer('preallocate', options.preallocate ?? settings.preallocate, 0),
  }
}

export function checkNames(options: object, known: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `options must be an object, not ${show(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) {
      const names = [...known].join(', ')
      throw argumentError('ERR_INVALID_ARG_VALUE', `unknown option '${name}'; known: ${names}`)
    }
  }
}

function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `signal must be an AbortSignal, not ${show(signal)}`)
  }
}

/**
 * Refuses to begin what was aborted before.
 *
 * @throws the signal's reason; TypeError ERR_INVALID_ARG_TYPE for what is no signal
 */
export function refuseAborted(options: { signal?: AbortSignal | undefined } | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `options must be an object, not ${show(options)}`)
  }
  checkSignal(options.signal)
  options.signal?.throwIfAborted()
}

/**
 * A whole number of bytes, offsets or the like, from `min` to `max`.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE; RangeError ERR_OUT_OF_RANGE
 */
export function integer(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `${name} must be a number, not ${show(value)}`)
  }
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw argumentError('ERR_OUT_OF_RANGE', `${name} must be a whole number from ${min} to ${max}, not ${value}`)
  }
  return value
}

/** @throws TypeError ERR_INVALID_ARG_TYPE */
export function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw argumentError('ERR_INVALID_ARG_TYPE', `${name} must be true or false, not ${show(value)}`)
}

const knownRangeFields = new Set(Object.keys({ offset: 0, length: 0 } satisfies Record<keyof KeptRange, 0>))

function keptRanges(ranges: unknown): readonly KeptRange[] {
  if (!Array.isArray(ranges)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `keepCached must be an array, not ${show(ranges)}`)
  }
  return ranges.map((range: KeptRange) => {
    checkNames(range, knownRangeFields)
    const offset = integer('keepCached.offset', range.offset, Number.MIN_SAFE_INTEGER)
    return range.length === undefined ? { offset } : { offset, length: integer('keepCached.length', range.length, 0) }
  })
}

export function oneOf(name: string, value: unknown, known: readonly string[]): string {
  if (typeof value !== 'string') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `${name} must be a string, not ${show(value)}`)
  }
  if (!known.includes(value)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', `unknown ${name} '${value}'; known: ${known.join(', ')}`)
  }
  return value
}

/**
 * A path as the kernel takes it.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for one that is empty or holds a null byte
 */
export function pathOf(path: PathLike): string | Buffer {
  const name = path instanceof URL ? fileURLToPath(path) : path
  if (typeof name !== 'string' && !Buffer.isBuffer(name)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `path must be a string, a Buffer or a URL, not ${show(name)}`)
  }
  if (name.length === 0 || name.includes('\0')) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'path must not be empty and must not hold null bytes')
  }
  return name
}

/**
 * A chunk as bytes, without copying: a Buffer, any ArrayBufferView, an ArrayBuffer; a string as UTF-8.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE for anything else, and for a view whose memory was transferred away
 */
export function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, 'utf8')
  if (ArrayBuffer.isView(chunk)) {
    if (chunk.byteLength === 0) refuseDetached(chunk.buffer)
    return chunk instanceof Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
  if (isAnyArrayBuffer(chunk)) {
    refuseDetached(chunk)
    return new Uint8Array(chunk)
  }
  throw argumentError(
    'ERR_INVALID_ARG_TYPE',
    `a chunk must be a string, a Buffer, an ArrayBufferView or an ArrayBuffer, not ${show(chunk)}`,
  )
}

/** As `bytesOf`, for a list of chunks. */
export function bytesOfAll(chunks: readonly unknown[]): Uint8Array[] {
  if (!Array.isArray(chunks)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', `chunks must be an array, not ${show(chunks)}`)
  }
  // What `map` gives is an array of another kind once V8 has compiled the call, and all that handles it is compiled twice.
  const all: Uint8Array[] = []
  for (const chunk of chunks) all.push(bytesOf(chunk))
  return all
}

export function totalBytes(chunks: readonly Uint8Array[]): number {
  let byteLength = 0
  for (const chunk of chunks) byteLength += chunk.length
  return byteLength
}

/** Memory of length 0 may be empty or gone; only a new view tells on every Node. */
function refuseDetached(memory: ArrayBufferLike): void {
  if (memory.byteLength !== 0) return
  try {
    void new Uint8Array(memory)
  } catch {
    throw argumentError('ERR_INVALID_ARG_TYPE', 'the memory of this chunk was transferred away (detached)')
  }
}

export function show(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? `'${value}'` : String(value)
  return value.constructor?.name ?? 'an object'
}
