import { argumentError } from './errors.ts'
import { openWith } from './open-writer.ts'
import { type OpenOptions, type PathLike, settingsFrom } from './options.ts'
import { Writer } from './writer.ts'

/**
 * A buffered writer over O_DIRECT, like Go's `bufio.Writer`: it takes any sizes and keeps file offset, buffer address
 * and transfer size aligned to what the file asks for.
 */
export class DirectIOWriter extends Writer {
  /**
   * Opens a file for direct writing, and never for anything else.
   *
   * @throws what `openWriter` throws; {@link UncachedIOError} ERR_DIRECT_UNSUPPORTED where direct I/O is not possible
   */
  static async open(path: PathLike, options: OpenOptions = {}): Promise<DirectIOWriter> {
    const settings = settingsFrom(options)
    if ('strategy' in options || 'policy' in options) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'a DirectIOWriter is always direct; openWriter takes a strategy')
    }
    return await openWith(DirectIOWriter, path, { ...settings, strategy: 'direct', policy: 'require' })
  }
}
