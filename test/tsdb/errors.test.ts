import { describe, expect, it } from 'vitest'
import { TsdbError } from '../../bench/tsdb/errors.ts'

describe('an error', () => {
  it.each([
    [{}, 'what'],
    [{ file: '/index' }, '/index: what'],
    [{ file: '/index', offset: 0 }, '/index at byte 0: what'],
    [{ offset: 12 }, 'byte 12: what'],
    [{ file: 'metrics.txt', line: 3 }, 'metrics.txt:3: what'],
    [{ file: 'metrics.txt', line: 3, offset: 12 }, 'metrics.txt:3: what'],
    [{ line: 3 }, 'line 3: what'],
  ])('says where it is: %j', (place, message) => {
    const error = new TsdbError('ERR_TSDB_MALFORMED', 'what', place)
    expect(error).toMatchObject({ name: 'TsdbError', code: 'ERR_TSDB_MALFORMED', message, ...place })
    expect(error).not.toHaveProperty('cause')
  })

  it('keeps its cause', () => {
    const cause = new Error('deeper')
    expect(new TsdbError('ERR_TSDB_SYNTAX', 'what', {}, cause).cause).toBe(cause)
  })
})
