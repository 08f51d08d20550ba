import { beforeEach, describe, expect, test } from 'vitest'
import { resultOfChild } from '../process/run-child.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { folder } from './opened.ts'

const fixture = (name: string) => new URL(`fixtures/${name}.mjs`, import.meta.url)

interface Descriptors {
  most: number
  after: number
}

async function descriptors(what: string): Promise<Descriptors> {
  return await resultOfChild(fixture('descriptors'), [folder, what], { nodeArguments: ['--expose-gc'] })
}

describe.each(enginesHere())('writing by %s', (engine) => {
  beforeEach(() => expectEngine(engine))

  test('the event loop lives exactly as long as calls are outstanding', async () => {
    expect(await resultOfChild(fixture('outstanding'), [folder])).toEqual(['open', 'write', 'sync'])
  })

  test("libuv's pool is not used: a file is written while the pool is taken", async () => {
    const env = { UV_THREADPOOL_SIZE: '1' }
    const order = await resultOfChild<string[]>(fixture('pool-in-use'), [folder], { env })
    expect(order).toHaveLength(5)
    // In the pool it would come last of all. First it is on an idle disk.
    expect(order.at(-1)).toBe('hash')
  })

  test('a thousand files opened and closed leave no descriptor', async () => {
    const { most, after } = await descriptors('closeEach')
    expect(most).toBe(0)
    expect(after).toBe(0)
  })

  test('a file that was forgotten unclosed is closed when it is collected', async () => {
    const { most, after } = await descriptors('forgetEach')
    expect(most).toBeGreaterThan(10)
    expect(after).toBe(0)
  })

  test('a file that is collected while a write is in flight is closed after the write', async () => {
    const { after } = await descriptors('forgetInFlight')
    expect(after).toBe(0)
  })
})
