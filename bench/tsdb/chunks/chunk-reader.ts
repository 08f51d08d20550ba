import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CHECKSUM_BYTES, checkChecksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import { checkHeader, type FileKind } from '../files/check-header.ts'
import { closeAll } from '../files/close-all.ts'
import { InputFile, type ReadWay } from '../files/input-file.ts'
import { ReadAhead } from '../files/read-ahead.ts'
import {
  CHUNKS_FOLDER,
  LENGTH_BYTES_MAX,
  offsetOf,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  segmentOf,
  segmentPath,
} from './segment.ts'

/** A chunk in a segment. Its views hold until the next chunk is asked for. */
export interface StoredChunk {
  readonly encoding: number
  readonly data: Buffer
  /** All of it, as {@link ChunkWriter.addRecord} takes it. */
  readonly record: Buffer
}

const segmentKind: FileKind = {
  what: 'segment of chunks',
  name: 'segment',
  headerBytes: SEGMENT_HEADER_BYTES,
  magic: SEGMENT_MAGIC,
  version: SEGMENT_VERSION,
}

/** No segment. */
const NONE = -1

/**
 * Reads the chunks of a block: quickest in the order in which they stand, which is that of the series. Windows of one
 * segment are in memory at a time, however many there are.
 */
export class ChunkReader {
  /** The segment that `ahead` reads. */
  private current = NONE
  private ahead: ReadAhead | null = null

  private constructor(
    private readonly blockFolder: string,
    private readonly files: readonly InputFile[],
  ) {}

  /**
   * @throws {TsdbError} ERR_TSDB_BAD_MAGIC, ERR_TSDB_BAD_VERSION, ERR_TSDB_TRUNCATED, ERR_TSDB_MALFORMED (a segment is
   *   missing); the kernel's error
   */
  static async open(blockFolder: string, way: ReadWay): Promise<ChunkReader> {
    const folder = join(blockFolder, CHUNKS_FOLDER)
    const names = (await readdir(folder)).filter((name) => /^\d{6,}$/.test(name)).toSorted()
    const files: InputFile[] = []
    try {
      for (const index of names.keys()) {
        const path = segmentPath(blockFolder, index)
        if (!path.endsWith(`/${names[index]}`)) {
          throw new TsdbError('ERR_TSDB_MALFORMED', 'this segment is missing', { file: path })
        }
        const file = await InputFile.open(path, way)
        files.push(file)
        await checkHeader(file, segmentKind)
      }
    } catch (error) {
      await closeAll(files)
      throw error
    }
    return new ChunkReader(blockFolder, files)
  }

  /** Why a file is not read as it was asked for; `null` when all are. */
  get why(): string | null {
    return this.files.find(({ why }) => why !== null)?.why ?? null
  }

  /**
   * The chunk, if it is in memory already; otherwise `null`: {@link load} it.
   *
   * @throws {TsdbError} ERR_TSDB_BAD_CHECKSUM, ERR_TSDB_MALFORMED
   */
  at(reference: number): StoredChunk | null {
    const file = this.fileOf(reference)
    const { ahead } = this
    if (ahead === null || segmentOf(reference) !== this.current) return null
    const offset = offsetOf(reference)
    const head = ahead.view(offset, LENGTH_BYTES_MAX)
    if (head === null) return null
    const length = lengthAt(head, file.path, offset)
    const record = ahead.view(offset, recordBytes(length))
    return record === null ? null : chunkIn(record, length, file.path, offset)
  }

  /**
   * The chunk, read from the disk.
   *
   * @throws {TsdbError} as `at`, and ERR_TSDB_TRUNCATED; the kernel's error
   */
  async load(reference: number): Promise<StoredChunk> {
    const file = this.fileOf(reference)
    const ahead = await this.aheadIn(segmentOf(reference), file)
    const offset = offsetOf(reference)
    const head = ahead.view(offset, LENGTH_BYTES_MAX) ?? (await ahead.load(offset, LENGTH_BYTES_MAX))
    const length = lengthAt(head, file.path, offset)
    const bytes = recordBytes(length)
    const record = ahead.view(offset, bytes) ?? (await ahead.load(offset, bytes))
    return chunkIn(record, length, file.path, offset)
  }

  /** Where a chunk stands, for errors. */
  placeOf(reference: number): { file: string; offset: number } {
    return { file: segmentPath(this.blockFolder, segmentOf(reference)), offset: offsetOf(reference) }
  }

  async close(): Promise<void> {
    await this.ahead?.settle()
    this.ahead = null
    await closeAll(this.files)
  }

  private async aheadIn(segment: number, file: InputFile): Promise<ReadAhead> {
    if (this.ahead !== null && segment === this.current) return this.ahead
    await this.ahead?.settle()
    this.current = segment
    this.ahead = new ReadAhead(file)
    return this.ahead
  }

  private fileOf(reference: number): InputFile {
    const file = this.files[segmentOf(reference)]
    if (file !== undefined && offsetOf(reference) >= SEGMENT_HEADER_BYTES) return file
    throw new TsdbError('ERR_TSDB_MALFORMED', `no chunk can be at reference ${reference}`, this.placeOf(reference))
  }
}

/** A chunk's data is this long at least: its number of samples. */
const DATA_BYTES_MIN = 2

interface Length {
  readonly bytes: number
  readonly dataBytes: number
}

function lengthAt(head: Buffer, file: string, offset: number): Length {
  let dataBytes = 0
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    const byte = head[i]!
    dataBytes += (byte & 0x7f) * 128 ** i
    if (byte < 0x80) {
      if (dataBytes >= DATA_BYTES_MIN) return { bytes: i + 1, dataBytes }
      break
    }
  }
  throw new TsdbError('ERR_TSDB_MALFORMED', 'no chunk begins with such a length', { file, offset })
}

function recordBytes({ bytes, dataBytes }: Length): number {
  return bytes + 1 + dataBytes + CHECKSUM_BYTES
}

function chunkIn(record: Buffer, { bytes, dataBytes }: Length, file: string, offset: number): StoredChunk {
  const end = bytes + 1 + dataBytes
  checkChecksum(record.subarray(bytes, end), record.readUInt32BE(end), 'a chunk', file, offset)
  return { encoding: record[bytes]!, data: record.subarray(bytes + 1, end), record }
}
