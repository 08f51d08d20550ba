import { Writable } from 'node:stream'
import { UncachedIOError } from './errors.ts'
import { openWriter } from './open-writer.ts'
import { type OpenWriterOptions, type PathLike, settingsFrom } from './options.ts'
import type { Writer } from './writer.ts'

export interface WriteStreamOptions extends OpenWriterOptions {
  /** Of strings written without one. Default `utf8`. */
  encoding?: BufferEncoding | undefined
  /** Whether `close` is emitted. Default true. */
  emitClose?: boolean | undefined
  /** Bytes accepted by `write` before it answers false, beside the writer's own buffers. Default: Node's. */
  highWaterMark?: number | undefined
}

type Callback = (error?: Error | null) => void

/**
 * A `node:stream` Writable over a writer. `finish` is emitted when the file is complete and durable; `destroy` without
 * `end` drops what is buffered. Emits `open` and `ready` when the file is open.
 */
export class WriteStream extends Writable {
  readonly path: PathLike
  #writer: Writer | undefined
  readonly #options: OpenWriterOptions

  constructor(path: PathLike, options: WriteStreamOptions = {}) {
    const { encoding, emitClose, highWaterMark, ...writerOptions } = options
    settingsFrom(writerOptions)
    super({
      emitClose: emitClose ?? true,
      autoDestroy: true,
      decodeStrings: true,
      ...(encoding === undefined ? {} : { defaultEncoding: encoding }),
      ...(highWaterMark === undefined ? {} : { highWaterMark }),
    })
    this.path = path
    this.#options = writerOptions
    const { signal } = writerOptions
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  readonly #onAbort = (): void => {
    this.destroy(this.#options.signal?.reason)
  }

  /** Bytes that are in the file. */
  get bytesWritten(): number {
    return this.#writer?.writtenBytes ?? 0
  }

  /** Whether the file is not open yet. */
  get pending(): boolean {
    return this.#writer === undefined
  }

  /** The writer underneath, once the file is open: its mode, alignment and positions. */
  get writer(): Writer | undefined {
    return this.#writer
  }

  override _construct(callback: Callback): void {
    if (this.destroyed) {
      // Aborted before it was opened: the file stays as it is.
      callback()
      return
    }
    openWriter(this.path, this.#options).then((writer) => {
      this.#writer = writer
      callback()
      this.emit('open')
      this.emit('ready')
    }, callback)
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
    ;(this.#writer as Writer).end().then(() => callback(), callback)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    const writer = this.#writer
    if (writer === undefined) {
      callback(error)
      return
    }
    writer.fail(error ?? new UncachedIOError('ERR_WRITER_CLOSED', `the stream to '${writer.path}' was destroyed`))
    // Nothing is left to warn of: it only waits until the file is closed.
    writer[Symbol.asyncDispose]().then(() => callback(error), callback)
  }
}

/**
 * A Writable in place of `fs.createWriteStream`, under any strategy; options as for `openWriter`.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; RangeError ERR_OUT_OF_RANGE. Everything else is
 *   emitted as `error`.
 */
export function createWriteStream(path: PathLike, options: WriteStreamOptions = {}): WriteStream {
  return new WriteStream(path, options)
}
