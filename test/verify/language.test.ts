import { describe, expect, it } from 'vitest'
import { unproved } from './prove.ts'

/** The verifier itself: of small sources, what it proves and what it does not. */

const sum = (invariant: string, decreases = 'count - i') => `
  /**
   * @requires count >= 0 && count <= 1000
   * @ensures result === 2 * count
   */
  export function twice(count: number): number {
    let sum = 0
    /**
     * @invariant ${invariant}
     * @decreases ${decreases}
     */
    for (let i = 0; i < count; i++) sum += 2
    return sum
  }`

const queue = (body: string, contract = '') => `
  export interface Range { size: number }
  /** @invariant this.#all.every((one) => one.size >= 0) */
  export class Queue {
    #all: Range[] = []
    /** ${contract} */
    change(one: Range): void { ${body} }
  }`

describe('functions', () => {
  it('are proved when their contracts hold', async () => {
    const source = `
      /**
       * @requires x >= 0
       * @ensures result >= x && (result === x || result === 10)
       */
      export function most(x: number): number { return x > 10 ? x : Math.max(x, 10) }`
    expect(await unproved(source)).toEqual([])
  })

  it('are not, when a contract is wrong by one', async () => {
    const source = `
      /** @ensures result > x */
      export function same(x: number): number { return x }`
    expect(await unproved(source)).toEqual(['same: ensures result > x'])
  })

  it('have to round no number', async () => {
    const source = `export function next(x: number): number { return x + 1 }`
    expect(await unproved(source)).toEqual(['next: no number is rounded'])
  })

  it('have to take % of no negative number', async () => {
    const source = `export function rest(x: number): number { return x % 512 }`
    expect(await unproved(source)).toEqual(['rest: % of no negative number'])
  })

  it('have to be called as they require', async () => {
    const source = `
      /** @requires x >= 1 */
      export function half(x: number): number { return x - 1 }
      export function both(x: number): number { return x === 5 ? half(x) : half(0) }`
    expect(await unproved(source)).toEqual(['both: half requires x >= 1'])
  })

  it('can return early', async () => {
    const source = `
      /** @ensures result === (x < 0 ? 0 : x) */
      export function positive(x: number): number {
        if (x < 0) return 0
        return x
      }`
    expect(await unproved(source)).toEqual([])
  })

  it('prove nothing by what they require when that can never be', async () => {
    const source = `
      /**
       * @requires x > 1 && x < 2
       * @ensures result === 7
       */
      export function never(x: number): number { return x }`
    expect(await unproved(source)).toEqual(['never: it can be called and comes to its end'])
  })
})

describe('loops', () => {
  it('are proved for any number of rounds, by what holds after each', async () => {
    expect(await unproved(sum('sum === 2 * i && i >= 0 && i <= count'))).toEqual([])
  })

  it('are not, when too little holds', async () => {
    expect(await unproved(sum('sum >= 0 && sum <= 2000 && i >= 0 && i <= count'))).toContain(
      'twice: ensures result === 2 * count',
    )
  })

  it('are not, when something else holds', async () => {
    expect(await unproved(sum('sum === 2 * i + 1 && i >= 0 && i <= count'))).toContain(
      'twice: invariant at first: sum === 2 * i + 1 && i >= 0 && i <= count',
    )
  })

  it('have to come to an end', async () => {
    expect(await unproved(sum('sum === 2 * i && i >= 0 && i <= count', 'count'))).toEqual(['twice: decreases count'])
  })

  it('need an invariant', async () => {
    const source = `
      export function f(): number {
        let i = 0
        while (i < 3) i++
        return i
      }`
    await expect(unproved(source)).rejects.toThrow('a loop without an @invariant')
  })
})

describe('lists of objects', () => {
  it('keep what is said of all elements, when one is added', async () => {
    expect(await unproved(queue('this.#all.push(one)', '@requires one.size >= 5'))).toEqual([])
  })

  it('do not, when what is added is not so', async () => {
    const found = await unproved(queue('this.#all.push(one)', '@requires one.size >= -1'))
    expect(found).toEqual(['change: invariant of Queue this.#all.every((one) => one.size >= 0)'])
  })

  it('know that an object may be in them, and what is changed in it is', async () => {
    const found = await unproved(queue('one.size = -1'))
    expect(found).toEqual(['change: invariant of Queue this.#all.every((one) => one.size >= 0)'])
  })

  it('lose elements at either end', async () => {
    expect(await unproved(queue('if (this.#all.length > 1) this.#all.splice(0, 1)'))).toEqual([])
    expect(await unproved(queue('this.#all.splice(0, 1)'))).toEqual(['change: no more is taken out than there is'])
  })
})

describe('alignment', () => {
  it('is arithmetic like any other', async () => {
    const source = `
      /**
       * @requires position >= 0
       * @ensures result % block === 0 && result <= position && position - result < block
       */
      export function down(position: number, block: number): number { return position - (position % block) }
      /**
       * @requires position >= 0
       * @ensures result % block === 0
       */
      export function wrong(position: number, block: number): number { return position - (position % 256) }`
    expect(await unproved(source)).toEqual(['wrong: ensures result % block === 0'])
  })
})
