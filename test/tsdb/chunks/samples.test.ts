import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { HIGH, LOW, Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { columnsOf, samplesOf, someSamples } from '../support/xor-samples.ts'

describe('samples in columns', () => {
  it('have the high and the low half of a value where HIGH and LOW say', () => {
    const samples = new Samples(2)
    samples.values[1] = 1
    expect(samples.words[2 + HIGH]).toBe(0x3ff00000)
    expect(samples.words[2 + LOW]).toBe(0)
  })

  test.prop([someSamples, fc.nat()])('are copied bit by bit, also NaNs', (samples, anywhere) => {
    const from = columnsOf(samples)
    const index = anywhere % samples.length
    const to = new Samples(3)
    to.copyFrom(from, index)
    to.copyFrom(from, 0)
    expect(samplesOf(to)).toEqual([samples[index], samples[0]])
    expect(samplesOf(from)).toEqual(samples)
  })
})
