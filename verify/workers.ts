import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Request } from './worker.ts'

const file = fileURLToPath(new URL('./worker.js', import.meta.url))

/** As many processes as there are processors, each with a solver of its own. */
export class Workers {
  readonly #idle: ChildProcess[] = []
  readonly #all: ChildProcess[] = []
  readonly #waiting: ((worker: ChildProcess) => void)[] = []

  static async start(): Promise<Workers> {
    const workers = new Workers()
    for (let i = 0; i < availableParallelism(); i++) {
      const child = fork(file)
      await once(child, 'message')
      workers.#all.push(child)
      workers.#idle.push(child)
    }
    return workers
  }

  /** @throws Error what went wrong in the worker, with its stack */
  async ask<T>(request: Request): Promise<T> {
    const worker = this.#idle.pop() ?? (await new Promise<ChildProcess>((resolve) => this.#waiting.push(resolve)))
    worker.send(request)
    const [answer] = (await once(worker, 'message')) as [{ outcome: T; error?: string }]
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(worker)
    else next(worker)
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.outcome
  }

  stop(): void {
    for (const worker of this.#all) worker.disconnect()
  }
}
