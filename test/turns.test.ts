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

  it('start the first call at once, and the next one when it is over', async () => {
    const turns = new Turns()
    const log: string[] = []
    const first = turns.take(async () => void log.push('first'), nothing)
    expect(log).toEqual(['first'])
    const second = turns.take(async () => void log.push('second'), nothing)
    expect(log).toEqual(['first'])
    expect(turns.waiting).toBe(2)
    await Promise.all([first, second])
    expect(log).toEqual(['first', 'second'])
  })

  it('reject with what work throws at once, and go on', async () => {
    const turns = new Turns()
    const error = new Error('thrown, not rejected')
    const log: string[] = []
    const throwing = turns.take(
      () => {
        throw error
      },
      () => log.push(`done, ${turns.waiting} waiting`),
    )
    const next = turns.take(async () => void log.push('next'), nothing)
    await expect(throwing).rejects.toBe(error)
    await next
    expect(log).toEqual(['done, 1 waiting', 'next'])
    expect(turns.waiting).toBe(0)
  })

  it('give the value of a call to its caller', async () => {
    const turns = new Turns()
    const values = [1, undefined, null, 'four'].map((value) => turns.take(async () => value, nothing))
    expect(await Promise.all(values)).toEqual([1, undefined, null, 'four'])
  })

  it('let a call made inside another one wait for it, and run it before what comes later', async () => {
    const turns = new Turns()
    const log: string[] = []
    let inner: Promise<void> | undefined
    const outer = turns.take(async () => {
      inner = turns.take(async () => void log.push('inner'), nothing)
      await ticks(4)
      log.push('outer')
    }, nothing)
    const later = turns.take(async () => void log.push('later'), nothing)
    await Promise.all([outer, inner, later])
    expect(log).toEqual(['outer', 'inner', 'later'])
  })

  it('take a call that is made as soon as the caller hears, once', async () => {
    const turns = new Turns()
    const log: string[] = []
    const chain = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) await turns.take(async () => void log.push(`${name}${i}`), nothing)
    }
    await Promise.all([chain('a'), chain('b')])
    expect(log.toSorted()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
    expect(turns.waiting).toBe(0)
  })

  it('call done once for each, in order, before any caller hears', async () => {
    const turns = new Turns()
    const log: string[] = []
    const calls = [0, 1, 2].map((i) =>
      turns
        .take(
          () => (i === 1 ? Promise.reject(new Error('no')) : Promise.resolve()),
          () => log.push(`done ${i}, ${turns.waiting} waiting`),
        )
        .then(
          () => log.push(`heard ${i}`),
          () => log.push(`heard ${i}`),
        ),
    )
    await Promise.all(calls)
    for (const i of [0, 1, 2])
      expect(log.indexOf(`heard ${i}`)).toBeGreaterThan(log.indexOf(`done ${i}, ${2 - i} waiting`))
    expect(log.filter((entry) => entry.startsWith('done'))).toEqual([
      'done 0, 2 waiting',
      'done 1, 1 waiting',
      'done 2, 0 waiting',
    ])
  })

  it('settled resolves at once when there is nothing to wait for', async () => {
    const turns = new Turns()
    await turns.settled()
    await turns.take(() => Promise.resolve(), nothing)
    await turns.settled()
    expect(turns.waiting).toBe(0)
  })

  it('settled called while calls run waits for those made before it, not for later ones', async () => {
    const turns = new Turns()
    const log: string[] = []
    const call = (name: string): Promise<void> =>
      turns.take(
        async () => {
          await ticks(5)
          log.push(name)
        },
        () => log.push(`${name} done`),
      )
    const before = [call('first'), call('second')]
    const settled = [turns.settled(), turns.settled()].map((promise) => promise.then(() => log.push('settled')))
    const later = call('later')
    await Promise.all([...before, ...settled, later])
    expect(log).toEqual(['first', 'first done', 'second', 'second done', 'settled', 'settled', 'later', 'later done'])
  })

  it('settled called inside a call waits for that call, too', async () => {
    const turns = new Turns()
    const log: string[] = []
    let settled: Promise<unknown> | undefined
    await turns.take(async () => {
      settled = turns.settled().then(() => log.push('settled'))
      await ticks(5)
      log.push('call')
    }, nothing)
    await settled
    expect(log).toEqual(['call', 'settled'])
  })
})

describe('failWaiting', () => {
  it('called when nothing waits rejects nothing', async () => {
    const turns = new Turns()
    const error = new Error('disk full')
    turns.failWaiting(error)
    expect(turns.failure).toBe(error)
    expect(await turns.take(async () => 'later', nothing)).toBe('later')
  })

  it('called before work first waits spares that call and rejects all behind it without running them', async () => {
    const turns = new Turns()
    const error = new Error('disk full')
    const ran: number[] = []
    const dones: number[] = []
    const call = (i: number, work: () => void): Promise<number> =>
      turns.take(
        async () => {
          ran.push(i)
          await ticks(1)
          work()
          return i
        },
        () => dones.push(i),
      )
    const calls = [call(0, nothing), call(1, () => turns.failWaiting(error)), call(2, nothing), call(3, nothing)]
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))).toEqual([
      0,
      1,
      error,
      error,
    ])
    expect(ran).toEqual([0, 1])
    expect(dones).toEqual([0, 1, 2, 3])
  })

  it('called by work that then throws at once: its own error is its own, the others get that of failWaiting', async () => {
    const turns = new Turns()
    const [own, others] = [new Error('own'), new Error('others')]
    const first = turns.take(() => ticks(3), nothing)
    const throwing = turns.take(() => {
      turns.failWaiting(others)
      throw own
    }, nothing)
    const behind = turns.take(async () => 'never', nothing)
    const outcomes = await Promise.allSettled([first, throwing, behind])
    expect(outcomes.slice(1)).toEqual([
      { status: 'rejected', reason: own },
      { status: 'rejected', reason: others },
    ])
  })

  it('called twice rejects with the later error what waited for either', async () => {
    const turns = new Turns()
    const [first, second] = [new Error('first'), new Error('second')]
    const running = turns.take(() => ticks(4), nothing)
    const early = turns.take(async () => 'never', nothing)
    turns.failWaiting(first)
    const late = turns.take(async () => 'never', nothing)
    turns.failWaiting(second)
    const outcomes = await Promise.allSettled([running, early, late])
    expect(outcomes.slice(1)).toEqual([
      { status: 'rejected', reason: second },
      { status: 'rejected', reason: second },
    ])
    expect(turns.failure).toBe(second)
  })

  it('does not keep settled from resolving', async () => {
    const turns = new Turns()
    const calls = [0, 1, 2].map(() => turns.take(() => ticks(2), nothing))
    const settled = turns.settled()
    turns.failWaiting(new Error('disk full'))
    await settled
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(turns.waiting).toBe(0)
  })

  test.prop([fc.array(fc.record({ ticks: fc.nat(5), fails: fc.boolean() }), { maxLength: 20 }), fc.nat(30)])(
    'at any moment rejects exactly the calls that have not begun',
    async (calls, after) => {
      const turns = new Turns()
      const begun: number[] = []
      const settled = calls.map((call, i) =>
        turns.take(async () => {
          begun.push(i)
          await ticks(call.ticks)
          if (call.fails) throw new Error(`${i}`)
        }, nothing),
      )
      const all = Promise.allSettled(settled)
      await ticks(after)
      const begunThen = begun.length
      const error = new Error('disk full')
      turns.failWaiting(error)
      const outcomes = await all
      expect(begun).toHaveLength(begunThen)
      const told = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason === error : false))
      expect(told).toEqual(calls.map((_, i) => i >= begunThen))
      expect(turns.waiting).toBe(0)
    },
  )
})
