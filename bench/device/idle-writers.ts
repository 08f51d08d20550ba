import { rm } from 'node:fs/promises'
import { DirectIOWriter } from 'uncached-io'
import { explain } from '../subjects/strategies.ts'

/** As many files as a busy server has open. */
export const IDLE_WRITERS_COUNT = 1000
/** What each has written: a length that leaves a started block in memory. */
const WRITTEN_BYTES = 100_000

/** What all of them have written. */
export const IDLE_WRITERS_BYTES = IDLE_WRITERS_COUNT * WRITTEN_BYTES

/** Writers that are open, have written, and wait. */
export interface IdleWriters {
  readonly writers: number
  readonly bytes: number
  /** Ends them all and removes their files. */
  close(): Promise<void>
}

/** Opens them one after the other. @param path what the files' names begin with. */
export async function openIdleWriters(path: string): Promise<IdleWriters> {
  const writers: DirectIOWriter[] = []
  const chunk = Buffer.alloc(WRITTEN_BYTES, 'idle')
  for (let number = 0; number < IDLE_WRITERS_COUNT; number++) {
    try {
      const writer = await DirectIOWriter.open(`${path}.${number}`)
      writers.push(writer)
      await writer.write(chunk)
      await writer.flush()
    } catch (error) {
      throw explain(error)
    }
  }
  return {
    writers: writers.length,
    bytes: writers.length * WRITTEN_BYTES,
    async close() {
      for (const writer of writers) {
        writer.fail()
        await rm(writer.path)
      }
    },
  }
}
