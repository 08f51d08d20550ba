import { setImmediate } from 'node:timers/promises'
import { fc } from '@fast-check/vitest'
import type { NativeFile } from '../../src/binding.ts'
import { type FileFaults, kernelError } from '../support/faults.ts'

/** What becomes of one write: when it is answered, beside others, and how. */
export interface Mood {
  readonly kind: 'whole' | 'short' | 'nothing' | 'EINTR' | 'ENOSPC' | 'EDQUOT' | 'EAGAIN' | 'EIO'
  /** Of a short write, how many blocks are not taken; of a failed one, how many come to the file all the same. */
  readonly blocks: number
  /** Rounds of the event loop until it is answered: others overtake it. */
  readonly turns: number
}

const errnos = { EINTR: 4, EIO: 5, EAGAIN: 11, ENOSPC: 28, EDQUOT: 122 }

const anyKind = fc.oneof(
  { weight: 14, arbitrary: fc.constant('whole' as const) },
  { weight: 5, arbitrary: fc.constant('short' as const) },
  { weight: 4, arbitrary: fc.constantFrom('ENOSPC' as const, 'EDQUOT' as const, 'EAGAIN' as const) },
  { weight: 2, arbitrary: fc.constantFrom('EINTR' as const, 'nothing' as const) },
)

const moodOf = (kind: fc.Arbitrary<Mood['kind']>): fc.Arbitrary<Mood> =>
  fc.record({ kind, blocks: fc.nat(3), turns: fc.nat(6) })

/** The moods of a disk, one a write; behind the last one all is well. One in six disks breaks in the end. */
export const anyMoods: fc.Arbitrary<Mood[]> = fc
  .tuple(fc.array(moodOf(anyKind), { maxLength: 40 }), fc.nat(5))
  .chain(([moods, luck]) =>
    luck > 0 ? fc.constant(moods) : moodOf(fc.constant('EIO')).map((broken) => moods.concat(broken)),
  )

/** A disk in these moods. */
export class MoodyDisk {
  /** How many writes failed, and how many were not taken whole. */
  failures = 0
  shortWrites = 0
  #next = 0

  constructor(
    private readonly moods: readonly Mood[],
    /** What a short write is cut to. */
    private readonly block: number,
  ) {}

  readonly faults: FileFaults = {
    pwrite: async (real, ...write) => {
      const mood = this.moods[this.#next++]
      if (mood === undefined) return await real.pwrite(...write)
      const answer = await this.#answer(mood, real, write).catch((error: unknown) => error as Error)
      for (let i = 0; i < mood.turns; i++) await setImmediate()
      if (typeof answer !== 'number') throw answer
      return answer
    },
  }

  async #answer(mood: Mood, real: NativeFile, write: Parameters<NativeFile['pwrite']>): Promise<number> {
    const [view, from, length, ...rest] = write
    if (mood.kind === 'whole') return await real.pwrite(...write)
    if (mood.kind === 'nothing') return 0
    if (mood.kind === 'short') {
      this.shortWrites++
      const taken = Math.min(length, Math.max(this.block, length - mood.blocks * this.block))
      return await real.pwrite(view, from, taken, ...rest)
    }
    if (mood.kind !== 'EINTR') {
      this.failures++
      // Some of it may have come to the file.
      const torn = Math.min(length, mood.blocks * this.block)
      if (torn > 0) await real.pwrite(view, from, torn, ...rest)
    }
    throw kernelError(mood.kind, errnos[mood.kind], 'pwritev2')
  }
}
