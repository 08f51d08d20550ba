import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Turns } from '../src/turns.ts'

const nothing = (): void => undefined
const ticks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

describe('Turns', () => {
  test.prop([fc.array(fc.record({ ticks: fc.nat(8), fails: fc.boolean() }), { maxLength: 30 })])(
    'run one at a time, in the order asked for, whatever fails',
    async (calls) => {
      const turns = new Turns()
      const log: string[] = []
      const settled = calls.map((call, index) =>
        turns.take(async () => {
          log.push(`begin ${index}`)
          await ticks(call.ticks)
          log.push(`end ${index}`)
          if (call.fails) throw new Error(`${index}`)
          return index
        }, nothing),
      )
      expect(turns.waiting).toBe(calls.length)
      const outcomes = await Promise.allSettled(settled)
      expect(log).toEqual(calls.flatMap((_, index) => [`begin ${index}`, `end ${index}`]))
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(calls.map(({ fails }) => fails))
      expect(turns.waiting).toBe(0)
    },
  )

  it('count a call as done before its caller hears of it', async () => {
    const turns = new Turns()
    const log: string[] = []
    const take = turns.take(
      () => Promise.resolve(),
      () => log.push(`done, ${turns.waiting} waiting`),
    )
    await take.then(() => log.push('heard'))
    expect(log).toEqual(['done, 0 waiting', 'heard'])
  })

  it('call done for a call that fails, too', async () => {
    const turns = new Turns()
    let done = 0
    await expect(
      turns.take(
        () => Promise.reject(new Error('no')),
        () => done++,
      ),
    ).rejects.toThrow('no')
    expect(done).toBe(1)
  })

  it('failWaiting rejects the calls that wait, in their turn, and none made later', async () => {
    const turns = new Turns()
    const ran: string[] = []
    const running = turns.take(async () => {
      await ticks(3)
      turns.failWaiting(new Error('disk full'))
      await ticks(3)
      ran.push('running')
    }, nothing)
    const waiting = turns.take(async () => void ran.push('waiting'), nothing)
    const rejected = expect(waiting).rejects.toThrow('disk full')
    await ticks(6)
    const later = turns.take(async () => void ran.push('later'), nothing)
    await Promise.all([running, rejected, later])
    expect(ran).toEqual(['running', 'later'])
    expect(turns.waiting).toBe(0)
  })

  it('settled waits for all calls made so far and never rejects', async () => {
    const turns = new Turns()
    const log: string[] = []
    const failing = turns.take(async () => {
      await ticks(5)
      log.push('failed')
      throw new Error('no')
    }, nothing)
    const rejected = expect(failing).rejects.toThrow('no')
    await turns.settled()
    log.push('settled')
    await rejected
    expect(log).toEqual(['failed', 'settled'])
  })
})
