/**
 * Whoever fills buffers as fast as the disk takes them never finds them all out, and would go on until the file is
 * written: timers, sockets and the fs calls of the program would wait. So after a while a new buffer is to be had only
 * when the event loop has gone round.
 */

/** One buffer of 2 MiB takes longer to fill, one of 1 MiB does not: so a stretch is 2 MiB or a little more. */
const stretchMsMax = 0.5

/** Below that it is not the filling that takes the time, and what fits into the buffers is taken whatever the time. */
const stretchBytesMin = 1024 * 1024

/** Since the event loop last went round, of this thread. */
let stretch: { readonly begunAtMs: number; filledBytes: number } | undefined

/** To be called when a buffer is begun. */
export function beginStretch(): void {
  if (stretch !== undefined) return
  stretch = { begunAtMs: performance.now(), filledBytes: 0 }
  setImmediate(() => {
    stretch = undefined
  })
}

/** To be called when a buffer goes out. */
export function countFilled(byteLength: number): void {
  if (stretch !== undefined) stretch.filledBytes += byteLength
}

/** Whether the event loop should go round before another buffer is begun, with `heldBytes` in the present one. */
export function loopIsDue(heldBytes: number): boolean {
  if (stretch === undefined || stretch.filledBytes + heldBytes < stretchBytesMin) return false
  return performance.now() - stretch.begunAtMs >= stretchMsMax
}

/** Resolves when it has gone round: a timer that is due, and what has come in, was seen to. */
export async function loopWentRound(): Promise<void> {
  // The first one still belongs to the present round.
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve))
  })
}
