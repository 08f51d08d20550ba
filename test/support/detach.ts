import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { expect } from 'vitest'

let detach: ((memory: ArrayBufferLike) => void) | undefined

/** Takes memory away even where it is marked untransferable, as `ArrayBuffer.prototype.transfer` of later Nodes may. */
export function detachByForce(memory: ArrayBufferLike): void {
  if (detach === undefined) {
    setFlagsFromString('--allow-natives-syntax')
    detach = runInThisContext('(memory) => %ArrayBufferDetach(memory)') as (memory: ArrayBufferLike) => void
  }
  detach(memory)
  expect(memory.byteLength).toBe(0)
}
