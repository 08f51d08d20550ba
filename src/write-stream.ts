import { addAbortSignal, Writable } from 'node:stream'
import { UncachedIOError } from './errors.ts'
import {
  closedUnheard,
  closeGiven,
  descriptorOf,
  type GivenFile,
  moveTo,
  nameOf,
  onceClosed,
  positionOf,
} from './given-file.ts'
import { openingOf } from './open-flags.ts'
import { openWriter } from './open-writer.ts'
import { flag, type OpenWriterOptions, type PathLike, pathOf, settingsFrom } from './options.ts'
import type { Writer } from './writer.ts'

export interface WriteStreamOptions extends OpenWriterOptions {
  /** Of strings written without one. Default `utf8`. */
  encoding?: BufferEncoding | undefined
  /**
   * A file that is open already, instead of `path`. Written from where its descriptor stands (or `start`), which is moved
   * to the end when the stream has finished. Needs /proc.
   */
  fd?: GivenFile | undefined
  /** Whether the stream is destroyed, and `fd` closed, when it has finished or failed. Default true. */
  autoClose?: boolean | undefined
  /** Whether `close` is emitted. Default true. */
  emitClose?: boolean | undefined
  /** Bytes accepted by `write` before it answers false, beside the writer's own buffers. Default: Node's. */
  highWaterMark?: number | undefined
  /** Taken as fs.createWriteStream takes it, and changes nothing: what has finished is durable in any case. */
  flush?: boolean | undefined
}

type Callback = (error?: Error | null) => void

/**
 * A `node:stream` Writable over a writer, in place of `fs.WriteStream`. `finish` is emitted when the file is complete and
 * durable; `destroy` without `end` brings to the file what `write` has called back for, and drops the rest. Emits `open`
 * (with the descriptor) and `ready` when the file is open, unless it was given as `fd`.
 *
 * A chunk that `write` has called back for is in a buffer, not yet in the file: `writer.flush()` brings it there.
 */
export class WriteStream extends Writable {
  readonly path: PathLike | undefined
  /** The file's descriptor: the one given, or the writer's own while it is open; null before. */
  fd: number | null
  #writer: Writer | undefined
  readonly #given: GivenFile | undefined
  readonly #options: OpenWriterOptions
  /** Whether the given descriptor's own position is the one written at. */
  #moves = false

  constructor(path: PathLike | null | undefined, options: WriteStreamOptions | BufferEncoding = {}) {
    const all: WriteStreamOptions = typeof options === 'string' ? { encoding: options } : options
    const { encoding, fd, autoClose = true, emitClose = true, highWaterMark, flush, signal, ...rest } = all
    const writerOptions = withoutUselessStart(rest)
    settingsFrom({ ...writerOptions, signal })
    for (const [name, value] of Object.entries({ autoClose, emitClose, flush: flush ?? false })) flag(name, value)
    const descriptor = fd === undefined ? null : descriptorOf(fd)
    if (descriptor === null) pathOf(path as PathLike)
    super({
      emitClose,
      autoDestroy: autoClose,
      decodeStrings: true,
      ...(encoding === undefined ? {} : { defaultEncoding: encoding }),
      ...(highWaterMark === undefined ? {} : { highWaterMark }),
    })
    this.path = path ?? undefined
    this.fd = descriptor
    this.#given = fd
    this.#options = writerOptions
    if (typeof fd === 'object') onceClosed(fd, this.#onGivenClosed)
    if (signal !== undefined) addAbortSignal(signal, this)
  }

  readonly #onGivenClosed = (): void => {
    // Its number may be another file's by now.
    this.#moves = false
    this.destroy()
  }

  /** Bytes that are in the file. */
  get bytesWritten(): number {
    return this.#writer?.writtenBytes ?? 0
  }

  /** Whether the file is not open yet. */
  get pending(): boolean {
    return this.fd === null
  }

  /** The writer underneath, once the file is open: its mode, alignment and positions. */
  get writer(): Writer | undefined {
    return this.#writer
  }

  /** Ends the stream; calls back when it is closed. */
  close(callback?: Callback): void {
    if (callback !== undefined) {
      if (this.closed) {
        process.nextTick(callback)
        return
      }
      this.once('close', callback)
    }
    this.once('finish', () => this.destroy())
    this.end()
  }

  /** As `end`: what the stream has taken is written before it is closed. */
  destroySoon(): void {
    this.end()
  }

  override _construct(callback: Callback): void {
    if (this.destroyed) {
      // Aborted before it was opened: the file stays as it is.
      callback()
      return
    }
    this.#open().then((writer) => {
      this.#writer = writer
      const opened = this.fd === null
      this.fd ??= writer.descriptor
      callback()
      if (!opened) return
      this.emit('open', this.fd)
      this.emit('ready')
    }, callback)
  }

  async #open(): Promise<Writer> {
    if (this.fd === null) return await openWriter(this.path as PathLike, this.#options)
    const { append, position } = positionOf(this.fd)
    const { start, flags: _, ...options } = this.#options
    this.#moves = !append && start === undefined
    const where = append ? { flags: 'a' } : { flags: 'r+', start: start ?? position }
    return await openWriter(nameOf(this.fd), { ...options, ...where })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    const writer = this.#writer as Writer
    if (writer.writeSync(chunk)) callback()
    else writer.write(chunk).then(() => callback(), callback)
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    const writer = this.#writer as Writer
    const list = chunks.map(({ chunk }) => chunk)
    if (writer.writevSync(list)) callback()
    else writer.writev(list).then(() => callback(), callback)
  }

  override _final(callback: Callback): void {
    this.#finish(this.#writer as Writer).then(() => callback(), callback)
  }

  async #finish(writer: Writer): Promise<void> {
    await writer.end()
    if (this.#moves) moveTo(this.fd as number, writer.position)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#close(error).then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }

  async #close(error: Error | null): Promise<void> {
    const writer = this.#writer
    if (writer !== undefined && writer.endSync() < 0) {
      // What was called back for is in the file, as it would be with fs.WriteStream. What failed has been told.
      await writer.flush().catch(() => undefined)
      if (this.#moves) moveTo(this.fd as number, writer.position)
      writer.fail(error ?? new UncachedIOError('ERR_WRITER_CLOSED', `the stream to '${writer.path}' was destroyed`))
      await writer[Symbol.asyncDispose]()
    }
    this.fd = null
    const given = this.#given
    if (given === undefined) return
    if (typeof given === 'object') closedUnheard(given, this.#onGivenClosed)
    await closeGiven(given)
  }
}

/** fs.createWriteStream takes `start` with flags that append, and the kernel ignores it. */
function withoutUselessStart(options: OpenWriterOptions): OpenWriterOptions {
  if (options.flags === undefined || options.start === undefined || !openingOf(options.flags).append) return options
  const { start: _, ...rest } = options
  return rest
}

/**
 * A Writable in place of `fs.createWriteStream`, under any strategy; options as for `openWriter` and as Node has them.
 *
 * @param path not looked at when `options.fd` is given
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; RangeError ERR_OUT_OF_RANGE. Everything else is
 *   emitted as `error`.
 */
export function createWriteStream(
  path: PathLike | null | undefined,
  options: WriteStreamOptions | BufferEncoding = {},
): WriteStream {
  return new WriteStream(path, options)
}
