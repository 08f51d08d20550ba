import { setTimeout as sleep } from 'node:timers/promises'
import { dropPages } from '../measure/drop-pages.ts'
import type { MemoryCgroup } from '../measure/memory-cgroup.ts'
import { type NeighbourProcess, startNeighbour } from '../measure/neighbour/neighbour.ts'
import type { SharedMemory } from '../measure/shared-memory.ts'
import type { NeighbourFigures } from '../schema/run.ts'

/** What a neighbour needs. */
export interface NeighbourPlan {
  readonly script: URL
  /** Its hot data, which is there already. */
  readonly hotPath: string
  readonly hotBytes: number
  readonly limitBytes: number
  readonly readsPerSecond: number
  /** How long it reads before the writer begins, and after it. */
  readonly calmMs: number
}

/** Where a run takes place: its cgroup, and who else is there. */
export interface Stage {
  /** The cgroup of the process that writes; `null` where none can be had. */
  readonly writer: MemoryCgroup | null
  /** To be called when the writer is ready: the neighbour reads its data and is measured for a while. */
  before(): Promise<void>
  /** To be called right before the writer begins. */
  during(): Promise<void>
  /** To be called when the writer is done: measures for a while. */
  after(): Promise<NeighbourFigures | null>
  /** How many processes were killed because of the limit; 0 where there is none. */
  oomKills(): Promise<number>
  /** To be called when the writing process has ended, whatever came of it. */
  remove(): Promise<void>
}

/** Nobody else. */
export function aloneStage(cgroup: MemoryCgroup | null): Stage {
  return {
    writer: cgroup,
    before: async () => {},
    during: async () => {},
    after: async () => null,
    oomKills: async () => 0,
    remove: async () => await cgroup?.remove(),
  }
}

/** @param shared the cgroups of both, under one limit; `null` where none can be had: then the neighbour has no limit. */
export function stageWithNeighbour(plan: NeighbourPlan, shared: SharedMemory | null, signal: AbortSignal): Stage {
  const { script, hotPath, hotBytes, readsPerSecond, calmMs } = plan
  let neighbour: NeighbourProcess | null = null
  let refaultsBefore: number | null = null
  const add = async (pid: number) => await shared?.neighbour.add(pid)
  const refaults = async () => (shared === null ? null : (await shared.neighbour.sample()).refaultedPages)
  return {
    writer: shared?.writer ?? null,
    async before() {
      // What the neighbour of another run has read is charged to nobody any more.
      await dropPages(hotPath)
      neighbour = await startNeighbour({ script, hotPath, hotBytes, readsPerSecond, add, signal })
      refaultsBefore = await refaults()
      await neighbour.begin('before')
      await sleep(calmMs, undefined, { signal })
    },
    during: async () => await neighbour?.begin('during'),
    async after() {
      if (neighbour === null) return null
      await neighbour.begin('after')
      await sleep(calmMs, undefined, { signal })
      const phases = await neighbour.finish()
      const refaultsAfter = await refaults()
      return {
        hotBytes,
        limitBytes: shared?.limitBytes ?? null,
        ...phases,
        refaultedPages: refaultsAfter === null || refaultsBefore === null ? null : refaultsAfter - refaultsBefore,
      }
    },
    oomKills: async () => (await shared?.oomKills()) ?? 0,
    async remove() {
      await neighbour?.end()
      await shared?.remove()
    },
  }
}
