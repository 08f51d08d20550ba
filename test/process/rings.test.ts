import { describe, expect, test } from 'vitest'
import { expectEngine, namedRing, whyNoRing } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { resultOfChild } from './run-child.ts'

const folder = temporaryFolder()

describe.skipIf(whyNoRing() !== null)(namedRing('rings'), () => {
  test('every thread has its own, and one that goes takes none of the others along', async () => {
    expectEngine('io_uring')
    const byRing = { engine: 'io_uring', right: true }
    const program = new URL('fixtures/rings.mjs', import.meta.url)
    const result = await resultOfChild(program, [folder], { env: { UNCACHED_IO_ENGINE: 'io_uring' } })
    const inWorker = { ...byRing, refused: 'ENXIO' }
    expect(result).toEqual({ told: [inWorker, inWorker, 3, byRing, 2], main: byRing, rings: 1 })
  })
})
