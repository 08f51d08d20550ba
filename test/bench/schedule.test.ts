import { describe, expect, it } from 'vitest'
import { planRound } from '../../bench/run/schedule.ts'

const workloads = [
  { name: 'large', bytes: 100 },
  { name: 'small-records', bytes: 10 },
]

describe('planRound', () => {
  it('runs every subject on every workload once', () => {
    expect(planRound(1, ['a', 'b'], workloads)).toEqual([
      { subject: 'a', workload: 'large', round: 1, bytes: 100 },
      { subject: 'b', workload: 'large', round: 1, bytes: 100 },
      { subject: 'a', workload: 'small-records', round: 1, bytes: 10 },
      { subject: 'b', workload: 'small-records', round: 1, bytes: 10 },
    ])
  })

  it('begins each round with another subject', () => {
    const firsts = [1, 2, 3, 4].map((round) => planRound(round, ['a', 'b', 'c'], workloads)[0]?.subject)
    expect(firsts).toEqual(['a', 'b', 'c', 'a'])
  })
})
