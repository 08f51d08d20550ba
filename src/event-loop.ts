/**
 * Whoever fills buffers as fast as the disk takes them never finds them all out, and would go on until the file is
 * written: timers, sockets and the fs calls of the program would wait. So after a while nothing is taken, be there room
 * or not, before the event loop has gone round.
 */

/** 1 MiB of small records takes longer to fill, of large chunks it does not. */
const stretchMsMax = 0.3

/** Below that it is not the filling that takes the time, and what fits into the buffers is taken whatever the time. */
const stretchBytesMin = 1024 * 1024

/** What was filled since the event loop last went round. */
interface Stretch {
  readonly begunAtMs: number
  filledBytes: number
}

/** Of this thread. */
let stretch: Stretch | undefined

/** To be called before anything is filled. */
export function beginStretch(): void {
  if (stretch !== undefined) return
  stretch = { begunAtMs: performance.now(), filledBytes: 0 }
  setImmediate(() => {
    stretch = undefined
  })
}

/** To be called now and then while buffers are filled: what is not counted by the end of a stretch is forgotten. */
export function countFilled(byteLength: number): void {
  if (stretch !== undefined) stretch.filledBytes += byteLength
}

/** Whether the event loop should go round before more is filled. */
export function loopIsDue(): boolean {
  if (stretch === undefined || stretch.filledBytes < stretchBytesMin) return false
  return performance.now() - stretch.begunAtMs >= stretchMsMax
}

/** Resolves when it has gone round: a timer that is due, and what has come in, was seen to. */
export async function loopWentRound(): Promise<void> {
  // The first one still belongs to the present round.
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve))
  })
}
