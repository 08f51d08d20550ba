import { expect, test } from 'vitest'
import { floorTo } from '../../src/plan.ts'

test('contracts are in force in tests: who calls without what is required is told', () => {
  expect(() => floorTo(-1, 512)).toThrow('floorTo requires position >= 0 && block >= 1')
})
