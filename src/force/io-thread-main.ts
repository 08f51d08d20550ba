import { workerData } from 'node:worker_threads'
import { type Answer, beatMs, type IoThreadData, type Request } from './io-thread.ts'
import { failureOf, type Outcome, perform } from './write-job.ts'

// The thread on which a program's writes are made, so that it can wait for one of them without turning its event loop.

const { port, signal } = (workerData as IoThreadData).uncachedIoThread

/** The last write called for of each file that has one under way. */
const last = new Map<string, Promise<Outcome>>()

function answerWhenDone(id: number, done: Promise<Outcome>): void {
  void done.then((outcome) => {
    const answer: Answer = { id, outcome }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has none
    port.postMessage(answer)
    Atomics.add(signal, 0, 1)
    Atomics.notify(signal, 0)
  })
}

/** Writes to one file are made in the order in which they were called for. */
function queue({ id, file, job }: Request): void {
  if (job === null) {
    answerWhenDone(
      id,
      Promise.all(last.values()).then(() => ({ writtenBytes: 0 })),
    )
    return
  }
  const before = last.get(file)
  const done = (before ?? Promise.resolve())
    .then(() => perform(job))
    .catch((error: unknown): Outcome => ({ failed: failureOf(error) }))
  last.set(file, done)
  answerWhenDone(id, done)
  void done.then(() => {
    if (last.get(file) === done) last.delete(file)
  })
}

port.on('message', queue)
setInterval(() => Atomics.add(signal, 1, 1), beatMs)
