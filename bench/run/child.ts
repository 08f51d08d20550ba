/** A writing process's side of the talk with its parent, which is writing-process.ts. */
import { once } from 'node:events'
import { codeOf, messageOf } from '../errors.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import type { ChildMessage, ChildReport } from './result.ts'

/** Says that everything is prepared, and waits until the parent tells to begin. */
export async function getReady(): Promise<void> {
  const toldToBegin = once(process, 'message')
  send({ state: 'ready' })
  await toldToBegin
}

/** Takes a plan and a path as arguments, measures, reports what came of it, and waits to be ended. */
export async function runAsChild<M>(measure: (plan: never, path: string) => Promise<M>): Promise<void> {
  // Ctrl-C reaches the whole process group; the parent decides what happens, and ends this process.
  process.on('SIGINT', () => {})
  // No parent any more: nobody would remove the file or take the result.
  process.on('disconnect', () => process.exit(1))
  const [planJson, path] = process.argv.slice(2)
  if (planJson === undefined || path === undefined) throw new Error('started without a plan and a path')
  // It is whatever plan the parent has made for this script.
  const plan = JSON.parse(planJson) as never
  send(await report(() => measure(plan, path)))
}

async function report<M>(measure: () => Promise<M>): Promise<ChildReport<M>> {
  try {
    return { state: 'written', ...(await measure()) }
  } catch (error) {
    const state = error instanceof UnsupportedError ? 'unsupported' : 'failed'
    return { state, code: codeOf(error), message: messageOf(error) }
  }
}

function send<M>(message: ChildMessage<M>): void {
  process.send?.(message)
}
