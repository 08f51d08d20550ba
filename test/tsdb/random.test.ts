import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Random, seeded } from '../../bench/tsdb/samples/random.ts'

const words = (random: Random, count: number) => Array.from({ length: count }, () => random.word())

// What the authors' C code prints.
describe('the seeded numbers', () => {
  it('are those of xoshiro128** 1.1', () => {
    expect(words(new Random([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ])
  })

  it.each([
    [0, [3737715805, 2584255861, 2876756834, 3286328325, 1553311962]],
    [42, [1776835114, 4165204688, 17111135, 2317295270, 2792088233]],
    [Number.MAX_SAFE_INTEGER, [1233166643, 1287031142, 661813442, 2960669951, 2601079046]],
  ])('begin with two numbers of SplitMix64 for the seed %d', (seed, expected) => {
    expect(words(seeded(seed), 5)).toEqual(expected)
  })

  test.prop([fc.maxSafeNat(), fc.array(fc.nat({ max: 20 }), { maxLength: 5 })])(
    'are the same ones however many are asked for at once',
    (seed, counts) => {
      const random = seeded(seed)
      const atOnce = counts.flatMap((count) => {
        const room = new Uint32Array(20)
        random.draw(room, count)
        expect(room.subarray(count).every((word) => word === 0)).toBe(true)
        return Array.from(room.subarray(0, count))
      })
      expect(atOnce).toEqual(words(seeded(seed), atOnce.length))
    },
  )

  test.prop([fc.maxSafeNat(), fc.integer({ min: 1, max: 1000 })])(
    'stay below the end that is asked for',
    (seed, end) => {
      const random = seeded(seed)
      for (let i = 0; i < 100; i++) {
        const number = random.below(end)
        expect(Number.isInteger(number) && number >= 0 && number < end).toBe(true)
        const fraction = random.fraction()
        expect(fraction >= 0 && fraction < 1).toBe(true)
      }
    },
  )

  it('reach every number below the end, about equally often', () => {
    const random = seeded(1)
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < 10_000; i++) counts[random.below(5)]! += 1
    // 2000 each with a standard deviation of 40.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  })
})
