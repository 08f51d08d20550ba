import type { WriterProgress } from '../writer-progress.ts'
import { showSize } from './size.ts'

/** Twice a second: fast enough to be seen moving, slow enough to be read. */
const intervalMs = 500

const clearLine = '\r\u001B[K'

/** How far a write has come, on the last line of a terminal; nothing where standard error is none. */
export class Progress {
  /** Of what is written, once the file is open. */
  writer: WriterProgress | undefined
  readonly #beganMs = performance.now()
  readonly #timer: NodeJS.Timeout | undefined

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {
    if (!out.isTTY) return
    this.#timer = setInterval(() => this.#show(''), intervalMs).unref()
  }

  /** Says something else on the terminal. */
  aside(say: () => void): void {
    if (this.#timer !== undefined) this.out.write(clearLine)
    say()
  }

  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#show('\n')
  }

  #show(end: string): void {
    if (this.writer === undefined) return
    const { acceptedBytes, mode } = this.writer
    const seconds = (performance.now() - this.#beganMs) / 1000
    const speed = showSize(Math.round(acceptedBytes / Math.max(seconds, 0.001)))
    this.out.write(
      `${clearLine}${showSize(acceptedBytes)} in ${seconds.toFixed(1)} s, ${speed}/s, ${mode.inEffect}${end}`,
    )
  }
}
