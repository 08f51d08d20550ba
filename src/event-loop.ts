/**
 * Whoever fills buffers as fast as the disk takes them never finds them all out, and would go on until the file is
 * written: timers, sockets and the fs calls of the program would wait. So after a while a new buffer is to be had only
 * when the event loop has gone round.
 */

/** One buffer of 2 MiB takes longer to fill, one of 1 MiB does not: so a stretch is 2 MiB or a little more. */
const stretchMsMax = 0.5

/** Below that it is not the filling that takes the time, and what fits into the buffers is taken whatever the time. */
const stretchBytesMin = 1024 * 1024

/** What was filled since the event loop last went round. */
export interface Stretch {
  readonly begunAtMs: number
  /** In buffers that went out. */
  filledBytes: number
}

/** Of this thread. */
let stretch: Stretch | undefined

/** To be called when a buffer is begun. Gives the stretch that it is begun in. */
export function beginStretch(): Stretch {
  if (stretch === undefined) {
    stretch = { begunAtMs: performance.now(), filledBytes: 0 }
    setImmediate(() => {
      stretch = undefined
    })
  }
  return stretch
}

/** To be called when a buffer goes out. */
export function countFilled(byteLength: number): void {
  if (stretch !== undefined) stretch.filledBytes += byteLength
}

/**
 * Whether the event loop should go round before another buffer is begun. The present one, begun in `begunIn`, holds
 * `heldBytes`: what was filled in earlier stretches kept nobody waiting in this one.
 */
export function loopIsDue(heldBytes: number, begunIn: Stretch | undefined): boolean {
  if (stretch === undefined) return false
  const bytes = stretch.filledBytes + (begunIn === stretch ? heldBytes : 0)
  return bytes >= stretchBytesMin && performance.now() - stretch.begunAtMs >= stretchMsMax
}

/** Resolves when it has gone round: a timer that is due, and what has come in, was seen to. */
export async function loopWentRound(): Promise<void> {
  // The first one still belongs to the present round.
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve))
  })
}
