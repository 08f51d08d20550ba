import type { InputFile } from './input-file.ts'

/** 1 MiB: the device is near its full speed, and a merge of many inputs still takes little memory. */
const WINDOW_BYTES = 1024 * 1024
/**
 * Room before a window for what the one before ended with: an item that lies across the border is put together there.
 * Larger ones are read on their own.
 */
const CARRY_BYTES = 64 * 1024

interface Window {
  readonly memory: Buffer
  /** File offsets of what it holds, and where in memory that begins. */
  start: number
  end: number
  at: number
}

/**
 * Reads a file mostly forwards, one window ahead of what is asked for. Any order works; only forwards is fast.
 */
export class ReadAhead {
  private current: Window
  private spare: Window
  /** The window behind the current one, being read into the spare one. */
  private coming: Promise<void> | null = null

  constructor(private readonly file: InputFile) {
    this.current = this.emptyWindow()
    this.spare = this.emptyWindow()
  }

  /** A view of these bytes when they are in memory, else `null`: {@link load} them. It holds until the next `load`. */
  view(offset: number, byteLength: number): Buffer | null {
    const { memory, start, end, at } = this.current
    if (offset < start || offset + byteLength > end) return null
    const from = at + offset - start
    return memory.subarray(from, from + byteLength)
  }

  /**
   * Reads them. The view holds until the next `load`.
   *
   * @throws {TsdbError} ERR_TSDB_TRUNCATED when the file ends before; the kernel's error
   */
  async load(offset: number, byteLength: number): Promise<Buffer> {
    if (byteLength > WINDOW_BYTES / 2) return await this.file.read(offset, byteLength)
    const isNext = offset >= this.current.start && offset <= this.current.end
    if (!isNext || this.current.end - offset > CARRY_BYTES || !(await this.moveOn(offset))) await this.seek(offset)
    const found = this.view(offset, byteLength)
    if (found !== null) return found
    // Behind a border that fell badly, or at the file's end, which this tells.
    return await this.file.read(offset, byteLength)
  }

  /** Waits for what is being read: the file can be closed then. */
  async settle(): Promise<void> {
    await this.coming?.catch(() => {})
    this.coming = null
  }

  /** Takes the window behind the current one, and what is left of this one before it. False: it is not there. */
  private async moveOn(offset: number): Promise<boolean> {
    if (this.coming === null) return false
    const coming = this.coming
    this.coming = null
    await coming
    const { current, spare } = this
    if (spare.start !== current.end || spare.end === spare.start) return false
    const left = current.end - offset
    current.memory.copy(
      spare.memory,
      spare.at - left,
      current.at + offset - current.start,
      current.at + current.end - current.start,
    )
    spare.start -= left
    spare.at -= left
    this.current = spare
    this.spare = current
    this.readNext()
    return true
  }

  private async seek(offset: number): Promise<void> {
    await this.settle()
    await this.fill(this.current, offset)
    this.readNext()
  }

  private readNext(): void {
    const { current } = this
    this.coming = this.fill(this.spare, current.end)
    // Whoever moves on awaits it; until then a failure is nobody's.
    this.coming.catch(() => {})
  }

  private async fill(window: Window, offset: number): Promise<void> {
    // Nothing until it is read: a read that fails may have overwritten a part of the memory.
    window.end = window.start
    const { start, end } = await this.file.readInto(window.memory.subarray(CARRY_BYTES), offset, WINDOW_BYTES)
    // A window that follows another one begins where that ends, wherever its first block begins.
    window.at = CARRY_BYTES + Math.min(offset, end) - start
    window.start = Math.min(offset, end)
    window.end = end
  }

  private emptyWindow(): Window {
    return { memory: this.file.allocate(CARRY_BYTES + WINDOW_BYTES), start: 0, end: 0, at: CARRY_BYTES }
  }
}
