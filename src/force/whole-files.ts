import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { bytesIn, isEncoding } from './arguments.ts'
import type { AnyFunction } from './replace.ts'

// writeFile and appendFile: node:fs does not make all of them of its own fs.write, and in each version others.

interface Options {
  readonly encoding: BufferEncoding
  readonly mode: unknown
  readonly flag: unknown
  readonly flush: boolean
  readonly signal: AbortSignal | undefined
}

/** So much is written at once, and between two of them the signal is heard. */
const pieceBytes = 8 * 1024 * 1024

/** Null for what node:fs has an error for. */
function optionsFrom(options: unknown, flag: string): Options | null {
  const given = typeof options === 'string' ? { encoding: options } : (options ?? {})
  if (typeof given !== 'object') return null
  const { encoding, mode, flag: asked, flush, signal } = given as Record<string, unknown>
  if (!isEncoding(encoding ?? 'utf8') || typeof (flush ?? false) !== 'boolean') return null
  if (signal !== undefined && !(signal instanceof AbortSignal)) return null
  return {
    encoding: (encoding ?? 'utf8') as BufferEncoding,
    mode: mode ?? 0o666,
    flag: asked || flag,
    flush: flush === true,
    signal,
  }
}

/** Null for what is not one piece of memory. */
function bytesOf(data: unknown, encoding: BufferEncoding): Uint8Array | null {
  if (typeof data === 'string') return Buffer.from(data, encoding)
  return ArrayBuffer.isView(data) ? bytesIn(data) : null
}

/** fs.writeFileSync and fs.appendFileSync, over the replaced fs.writeSync. */
export function writeFileSync(flag: string): (original: AnyFunction) => AnyFunction {
  return (original) =>
    function (...parameters) {
      const [file, data, options] = parameters
      const all = optionsFrom(options, flag)
      const bytes = all && bytesOf(data, all.encoding)
      return all === null || bytes === null ? original.apply(this, parameters) : writeAllSync(file, bytes, all)
    }
}

function writeAllSync(file: unknown, bytes: Uint8Array, { flag, mode, flush }: Options): void {
  const own = typeof file !== 'number'
  const descriptor = own ? fs.openSync(file as fs.PathLike, flag as string, mode as number) : file
  try {
    for (let done = 0; done < bytes.byteLength; ) done += fs.writeSync(descriptor, bytes, done)
    if (flush) fs.fsyncSync(descriptor)
  } finally {
    if (own) fs.closeSync(descriptor)
  }
}

type Callback = (error: unknown) => void

/** fs.writeFile and fs.appendFile, over the replaced fs.write. */
export function writeFileCallback(flag: string): (original: AnyFunction) => AnyFunction {
  return (original) =>
    function (...parameters) {
      const [file, data, ...rest] = parameters
      const callback = rest.at(-1)
      const all = optionsFrom(rest.length > 1 ? rest[0] : undefined, flag)
      const bytes = all && bytesOf(data, all.encoding)
      if (typeof callback !== 'function' || all === null || bytes === null || all.signal?.aborted) {
        return original.apply(this, parameters)
      }
      return writeAllThen(file, bytes, all, callback as Callback)
    }
}

function writeAllThen(file: unknown, bytes: Uint8Array, options: Options, callback: Callback): void {
  if (typeof file === 'number') {
    tell(writeDescriptor(file, bytes, options), callback)
    return
  }
  fs.open(file as fs.PathLike, options.flag as string, options.mode as number, (error, descriptor) => {
    if (error !== null) callback(error)
    else tell(writeAndClose(descriptor, bytes, options), callback)
  })
}

async function writeAndClose(descriptor: number, bytes: Uint8Array, options: Options): Promise<void> {
  try {
    await writeDescriptor(descriptor, bytes, options)
  } finally {
    await close(descriptor)
  }
}

/** By nextTick, so that what the callback throws is not taken for a rejection. */
function tell(written: Promise<void>, callback: Callback): void {
  written.then(
    () => process.nextTick(callback, null),
    (error: unknown) => process.nextTick(callback, error),
  )
}

const close = promisify((descriptor: number, callback: Callback) => fs.close(descriptor, callback))
const sync = promisify((descriptor: number, callback: Callback) => fs.fsync(descriptor, callback))

async function writeDescriptor(descriptor: number, bytes: Uint8Array, { flush, signal }: Options): Promise<void> {
  const write = async (done: number, length: number): Promise<number> => {
    const { bytesWritten } = await promisify(fs.write)(descriptor, bytes, done, length, null)
    return bytesWritten
  }
  await writeInPieces(write, bytes.byteLength, signal)
  if (flush) await sync(descriptor)
}

/** writeFile and appendFile of fs.promises, over the replaced methods of FileHandle. */
export function writeFile(flag: string): (original: AnyFunction) => AnyFunction {
  return (original) =>
    async function (...parameters) {
      const [file, data, options] = parameters
      const all = optionsFrom(options, flag)
      if (all === null || !isContent(data)) return await original.apply(this, parameters)
      throwIfAborted(all.signal)
      return await (isHandle(file) ? writeAll(file, data, all) : writePath(file, data, all))
    }
}

async function writePath(path: unknown, data: Content, options: Options): Promise<void> {
  const handle = await fs.promises.open(path as fs.PathLike, options.flag as string, options.mode as number)
  try {
    await writeAll(handle, data, options)
    if (options.flush) await handle.sync()
  } finally {
    await handle.close()
  }
}

/** FileHandle.prototype.writeFile and appendFile. */
export function writeHandle(original: AnyFunction): AnyFunction {
  return async function (...parameters) {
    const [data, options] = parameters
    const all = optionsFrom(options, 'w')
    if ((this as FileHandle).fd < 0 || all === null || !isContent(data)) return await original.apply(this, parameters)
    throwIfAborted(all.signal)
    return await writeAll(this as FileHandle, data, all)
  }
}

type Pieces = Iterable<string | ArrayBufferView> | AsyncIterable<string | ArrayBufferView>
type Content = string | ArrayBufferView | Pieces

function isContent(data: unknown): data is Content {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return true
  return typeof data === 'object' && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data)
}

function isHandle(file: unknown): file is FileHandle {
  return typeof file === 'object' && file !== null && 'fd' in file && 'datasync' in file
}

async function writeAll(handle: FileHandle, data: Content, options: Options): Promise<void> {
  const whole = bytesOf(data, options.encoding)
  if (whole !== null) {
    await writeBytes(handle, whole, options.signal)
    return
  }
  for await (const piece of data as Pieces) {
    throwIfAborted(options.signal)
    // What else an iterable gives, Buffer.from takes or refuses, as it does for node:fs.
    const bytes = bytesOf(piece, options.encoding) ?? Buffer.from(piece as unknown as number[])
    await writeBytes(handle, bytes, options.signal)
  }
}

async function writeBytes(handle: FileHandle, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const write = async (done: number, length: number): Promise<number> =>
    (await handle.write(bytes, done, length)).bytesWritten
  await writeInPieces(write, bytes.byteLength, signal)
}

async function writeInPieces(
  write: (done: number, length: number) => Promise<number>,
  byteLength: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let done = 0; done < byteLength; ) {
    throwIfAborted(signal)
    done += await write(done, Math.min(pieceBytes, byteLength - done))
  }
}

/** As node:fs, which has a code of its own for it. */
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  const error = new Error('The operation was aborted', { cause: signal.reason })
  throw Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
