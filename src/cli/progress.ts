import type { Strategy } from '../strategy.ts'
import { showSize } from './size.ts'

/** Twice a second: fast enough to be seen moving, slow enough to be read. */
const intervalMs = 500

const clearLine = '\r\u001B[K'

/** How far a write has come, on the last line of a terminal; nothing where standard error is none. */
export class Progress {
  strategy: Strategy | undefined
  #bytes = 0
  readonly #beganMs = performance.now()
  readonly #timer: NodeJS.Timeout | undefined

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {
    if (!out.isTTY) return
    this.#timer = setInterval(() => this.#show(''), intervalMs).unref()
  }

  count(byteLength: number): void {
    this.#bytes += byteLength
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
    const seconds = (performance.now() - this.#beganMs) / 1000
    const speed = showSize(Math.round(this.#bytes / Math.max(seconds, 0.001)))
    const how = this.strategy === undefined ? '' : `, ${this.strategy}`
    this.out.write(`${clearLine}${showSize(this.#bytes)} in ${seconds.toFixed(1)} s, ${speed}/s${how}${end}`)
  }
}
