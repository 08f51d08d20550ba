import { codeOf, messageOf } from '../errors.ts'
import type { ChildReport } from '../run/result.ts'
import type { WriterFromOutside } from '../run/writing-process.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import { Fio } from './fio.ts'

/** fio in the place of the process that writes. It has no event loop, and is ready whenever it is started. */
export class FioProcess implements WriterFromOutside {
  private readonly fio: Fio
  private tooLong = false
  private readonly timer: NodeJS.Timeout
  private readonly endNow = () => void this.fio.end()

  /** It is ended when `signal` is aborted, or when it is not done after `limitMs`. */
  constructor(
    variant: string,
    path: string,
    private readonly bytes: number,
    private readonly limitMs: number,
    private readonly signal: AbortSignal,
  ) {
    this.fio = new Fio(path, bytes, variant)
    signal.addEventListener('abort', this.endNow, { once: true })
    this.timer = setTimeout(() => {
      this.tooLong = true
      this.endNow()
    }, limitMs)
  }

  /** fio starts its processes when it writes: they cannot be put into a cgroup before. */
  readonly pid = undefined

  async ready(): Promise<ChildReport | null> {
    return null
  }

  async write(): Promise<ChildReport> {
    try {
      const { seconds, cpuUserSeconds, cpuSystemSeconds } = await this.fio.run(false)
      // The file's length is checked like anybody's; what is below a MiB at its end was allocated, not written.
      return {
        state: 'written',
        bytes: this.bytes,
        seconds,
        cpuUserSeconds,
        cpuSystemSeconds,
        warmUpBytes: 0,
        residentPeakBytes: null,
        eventLoopDelayMsMax: null,
        writeLatency: null,
        commitLatency: null,
        sampleCount: null,
      }
    } catch (error) {
      if (this.tooLong) {
        const message = `not done after ${Math.round(this.limitMs / 1e3)} s`
        return { state: 'failed', code: 'ERR_TIME_LIMIT', message }
      }
      const state = error instanceof UnsupportedError ? 'unsupported' : 'failed'
      return { state, code: codeOf(error), message: messageOf(error) }
    }
  }

  async end(): Promise<void> {
    clearTimeout(this.timer)
    this.signal.removeEventListener('abort', this.endNow)
    await this.fio.end()
  }
}
