import { describe, expect, it } from 'vitest'
import { planRound } from '../../bench/run/schedule.ts'

describe('planRound', () => {
  it('runs everything in every group once', () => {
    expect(planRound(1, [['a', 'b'], ['c']])).toEqual(['a', 'b', 'c'])
  })

  it('begins each round with another member of each group', () => {
    const rounds = [1, 2, 3, 4].map((round) => planRound(round, [['a', 'b', 'c'], ['x', 'y'], []]).join(''))
    expect(rounds).toEqual(['abcxy', 'bcayx', 'cabxy', 'abcyx'])
  })
})
