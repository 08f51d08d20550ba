import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { UncachedIOError } from '../errors.ts'
import { failureOf, type Outcome, type WriteJob } from './write-job.ts'

export interface Request {
  readonly id: number
  /** Which file it is, whatever it is called. */
  readonly file: string
  /** Null: answered when everything called for before has been. */
  readonly job: WriteJob | null
}

export interface Answer {
  readonly id: number
  readonly outcome: Outcome
}

/** By the name of the property the preload knows that it has to leave the thread alone. */
export interface IoThreadData {
  readonly uncachedIoThread: {
    readonly port: MessagePort
    /** Counts answers, then the beats of a thread that is alive. */
    readonly signal: Int32Array
  }
}

/** So often the thread shows that it is alive, to whom no event can tell that it is not. */
export const beatMs = 1000
/** A thread without a beat for so long twice in a row has ended. Twice, because the whole process may have been stopped. */
const silenceMs = 10_000

/** The thread that writes, begun at the first write; seen from the thread of the program. */
export class IoThread {
  #port: MessagePort | undefined
  #signal = new Int32Array(new SharedArrayBuffer(8))
  #nextId = 0
  readonly #waiting = new Map<number, (outcome: Outcome) => void>()

  /** Never rejects. The event loop is kept alive until the answer. */
  start(file: string, job: WriteJob): Promise<Outcome> {
    return new Promise((resolve) => {
      const id = this.#send(file, job)
      this.#waiting.set(id, resolve)
      this.#port?.ref()
    })
  }

  /** Waits for the answer without turning the event loop. */
  run(file: string, job: WriteJob | null): Outcome {
    const id = this.#send(file, job)
    let own: Outcome | undefined
    this.#waiting.set(id, (outcome) => (own = outcome))
    let beats = 0
    for (let silences = 0; silences < 2; ) {
      const seen = Atomics.load(this.#signal, 0)
      this.#takeAnswers()
      if (own !== undefined) return own
      const woken = Atomics.wait(this.#signal, 0, seen, silenceMs)
      const heard = Atomics.load(this.#signal, 1)
      silences = woken === 'timed-out' && heard === beats ? silences + 1 : 0
      beats = heard
    }
    this.#ended(this.#port, 'it gives no sign of life')
    return own as unknown as Outcome
  }

  #send(file: string, job: WriteJob | null): number {
    const port = (this.#port ??= this.#begin())
    const id = this.#nextId++
    const request: Request = { id, file, job }
    port.postMessage(request, job === null ? [] : [job.bytes.buffer as ArrayBuffer])
    return id
  }

  #takeAnswers(): void {
    const port = this.#port as MessagePort
    for (let found = receiveMessageOnPort(port); found !== undefined; found = receiveMessageOnPort(port)) {
      this.#answered(found.message as Answer)
    }
  }

  #answered({ id, outcome }: Answer): void {
    this.#waiting.get(id)?.(outcome)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#port?.unref()
  }

  #begin(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    const signal = new Int32Array(new SharedArrayBuffer(8))
    this.#signal = signal
    const workerData: IoThreadData = { uncachedIoThread: { port: port2, signal } }
    // Neither what the program was started with nor what it preloads belongs in there.
    const { NODE_OPTIONS: _, ...env } = process.env
    const worker = new Worker(new URL('./io-thread-main.js', import.meta.url), {
      name: 'uncached-io',
      workerData,
      transferList: [port2],
      execArgv: [],
      env,
    })
    worker.unref()
    let why: unknown = 'it has ended'
    worker.once('error', (error) => (why = error))
    worker.once('exit', () => this.#ended(port1, failureOf(why).message))
    port1.on('message', (answer: Answer) => this.#answered(answer))
    port1.unref()
    return port1
  }

  /** What it had been given is lost, and the next write begins another. */
  #ended(port: MessagePort | undefined, why: string): void {
    if (this.#port !== port) return
    this.#port = undefined
    for (const id of this.#waiting.keys()) this.#answered({ id, outcome: notRunning(why) })
  }
}

function notRunning(why: string): Outcome {
  return { failed: failureOf(new UncachedIOError('ERR_IO_THREAD', `the thread that writes is not running: ${why}`)) }
}
