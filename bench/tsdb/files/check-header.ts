import { TsdbError } from '../errors.ts'
import type { InputFile } from './input-file.ts'

/** How files of a kind begin: magic (4 bytes), version (1 byte), perhaps more. */
export interface FileKind {
  /** In errors: `segment of chunks`, and `segment` before "version". */
  readonly what: string
  readonly name: string
  readonly headerBytes: number
  readonly magic: number
  readonly version: number
}

const VERSION_OFFSET = 4

/**
 * @throws {TsdbError} ERR_TSDB_BAD_MAGIC, ERR_TSDB_BAD_VERSION, ERR_TSDB_TRUNCATED; the kernel's error
 */
export async function checkHeader(file: InputFile, kind: FileKind): Promise<void> {
  const header = await file.read(0, kind.headerBytes)
  const magic = header.readUInt32BE(0)
  if (magic !== kind.magic) {
    const what = `no ${kind.what}: it begins with ${magic.toString(16)}`
    throw new TsdbError('ERR_TSDB_BAD_MAGIC', what, { file: file.path, offset: 0 })
  }
  const version = header[VERSION_OFFSET]!
  if (version !== kind.version) {
    const what = `${kind.name} version ${version}, not ${kind.version}`
    throw new TsdbError('ERR_TSDB_BAD_VERSION', what, { file: file.path, offset: VERSION_OFFSET })
  }
}
