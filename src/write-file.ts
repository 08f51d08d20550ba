import { constants } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { statusOf } from './alignment.ts'
import { binding, type FileStatus } from './binding.ts'
import { argumentError, codeOf, notRegularFile, UncachedIOError } from './errors.ts'
import { openWriter } from './open-writer.ts'
import { bytesOf, flag, type OpenWriterOptions, type PathLike, pathOf, refuseAborted, settingsFrom } from './options.ts'
import { folderNameOf, scratchPath } from './scratch.ts'
import { untilAborted } from './until-aborted.ts'
import type { Chunk } from './writer-contract.ts'

/** The whole content of a file: at once, or in chunks as they come. A `node:stream` Readable is an async iterable. */
export type Content = Chunk | Iterable<Chunk> | AsyncIterable<Chunk> | ReadableStream<Chunk>

export interface WriteFileOptions extends OpenWriterOptions {
  /**
   * Writes a temporary file beside the target, and renames it when it is complete: whoever opens the path finds all of the
   * old content or all of the new, also after a crash if `durable`. A target that is there keeps its permissions and, where
   * that is allowed, its owner; a symbolic link keeps pointing where it does. Not with flags that append or update, nor with
   * `start`. Default false.
   */
  atomic?: boolean | undefined
  /**
   * Whether content, length and name survive a power cut when this resolves. Without it the content is in the file, as
   * after `end({ durable: false })`. Default true.
   */
  durable?: boolean | undefined
}

/**
 * Writes a whole file under a strategy. Gives the number of bytes.
 *
 * When it rejects, an atomic target is as it was and the temporary file is removed; another one holds a prefix of the
 * content.
 *
 * @throws what `openWriter` throws; the failure of a write; what the source of the content throws
 * @throws TypeError ERR_INVALID_ARG_TYPE for content or a chunk that is none, ERR_INVALID_ARG_VALUE
 * @throws AbortError
 */
export async function writeFile(path: PathLike, content: Content, options: WriteFileOptions = {}): Promise<number> {
  const { atomic = false, durable = true, ...writerOptions } = options
  flag('atomic', atomic)
  flag('durable', durable)
  const settings = settingsFrom(writerOptions)
  refuseAborted({ signal: settings.signal })
  const name = pathOf(path)
  const chunks = chunksOf(content, settings.signal)
  if (!atomic) return await fill(name, chunks, writerOptions, durable)
  if (settings.append || !settings.create || settings.start > 0) {
    throw argumentError(
      'ERR_INVALID_ARG_VALUE',
      'atomic replaces a file: flags that append or update, and start, are none',
    )
  }
  return await replace(name, chunks, writerOptions, settings.exclusive, durable)
}

async function fill(
  path: string | Buffer,
  chunks: Iterable<Chunk> | AsyncIterable<Chunk>,
  options: OpenWriterOptions,
  durable: boolean,
): Promise<number> {
  const writer = await openWriter(path, options)
  try {
    for await (const chunk of chunks) if (!writer.writeSync(chunk)) await writer.write(chunk)
    return await writer.end({ durable })
  } catch (error) {
    writer.fail(error)
    throw error
  } finally {
    // Waits until a failed one is closed; of one that has ended nothing is left to be done.
    await writer[Symbol.asyncDispose]()
  }
}

async function replace(
  path: string | Buffer,
  chunks: Iterable<Chunk> | AsyncIterable<Chunk>,
  options: OpenWriterOptions,
  exclusive: boolean,
  durable: boolean,
): Promise<number> {
  const native = binding()
  const target = await resolved(path)
  const before = await statusAt(target)
  if (before !== null && !before.isFile) throw notRegularFile(path)
  if (before !== null && exclusive) throw existsError(path)
  // In the same folder, hence on the same file system.
  const temporary = scratchPath(folderNameOf(target), '.tmp')
  try {
    const mode = before?.permissions ?? options.mode
    const total = await fill(temporary, chunks, { ...options, flags: 'wx', mode }, durable)
    if (before !== null) await takeAfter(temporary, before, durable)
    await native.rename(temporary, target, exclusive)
    if (durable) await native.syncFolder(await native.realFolder(target))
    return total
  } catch (error) {
    await native.unlink(temporary).catch(() => undefined)
    throw error
  }
}

/** Where a symbolic link leads; the path itself where there is nothing yet. */
async function resolved(path: string | Buffer): Promise<string | Buffer> {
  try {
    return await binding().realPath(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return path
    throw error
  }
}

async function statusAt(path: string | Buffer): Promise<FileStatus | null> {
  const native = binding()
  try {
    const file = await native.open(path, native.constants.O_PATH, 0)
    return await statusOf(file).finally(() => void file.close())
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * Gives a file the permissions, and where that is allowed the owner, of the one that it is to replace. Behind the content:
 * writing takes set-user-ID away.
 */
async function takeAfter(path: string | Buffer, before: FileStatus, durable: boolean): Promise<void> {
  const file = await binding().open(path, constants.O_RDONLY, 0)
  try {
    const { userId, groupId, permissions } = await statusOf(file)
    const changesOwner = userId !== before.userId || groupId !== before.groupId
    if (!changesOwner && permissions === before.permissions) return
    if (changesOwner) {
      await file.fchown(before.userId, before.groupId).catch((error: unknown) => {
        if (codeOf(error) !== 'EPERM') throw error
      })
    }
    // Behind fchown, which takes set-user-ID away as well.
    await file.fchmod(before.permissions)
    // The writer's fdatasync came before, and need not have written these if it had come behind.
    if (durable) await file.fsync()
  } finally {
    await file.close()
  }
}

function existsError(path: string | Buffer): Error {
  const name = String(path)
  const fields = { path: name, syscall: 'open', errno: -osConstants.errno.EEXIST }
  return new UncachedIOError('EEXIST', `EEXIST: file already exists, open '${name}'`, fields)
}

/** @throws TypeError ERR_INVALID_ARG_TYPE */
function chunksOf(content: unknown, signal: AbortSignal | undefined): Iterable<Chunk> | AsyncIterable<Chunk> {
  if (typeof content === 'object' && content !== null && !ArrayBuffer.isView(content)) {
    if (Symbol.asyncIterator in content) {
      const chunks = content as AsyncIterable<Chunk>
      return signal === undefined ? chunks : untilAborted(chunks, signal)
    }
    if (Symbol.iterator in content) return content as Iterable<Chunk>
  }
  return [bytesOf(content)]
}
