import { describe, expect, it } from 'vitest'
import { TsdbError } from '../../bench/tsdb/errors.ts'
import { openMetricsSamples } from '../../bench/tsdb/samples/open-metrics.ts'
import { LINE_BYTES_MAX } from '../../bench/tsdb/samples/open-metrics-text.ts'
import { samplesIn, textOf } from './support/open-metrics.ts'

async function errorOf(text: string | Buffer, chunkBytes?: number): Promise<TsdbError> {
  try {
    await samplesIn(text, chunkBytes)
  } catch (error) {
    if (error instanceof TsdbError) return error
    throw error
  }
  throw new Error('nothing is wrong with it')
}

const byte = (value: number) => Buffer.from([value])
const lines = (...parts: readonly (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)))

describe('a sample line is refused', () => {
  it.each([
    ['1a 1 1', 'no metric name in "1a 1 1"'],
    [' a 1 1', 'no metric name'],
    ['ä 1 1', 'no metric name'],
    ['\uFEFFa 1 1', 'no metric name'],
    ['{__name__="a"} 1 1', 'no metric name'],
    ['', 'the line is blank'],
    ['a', 'no space and value at ""'],
    ['a\t1 1', 'no space and value at "\\t1 1"'],
    ['aä 1 1', 'no space and value at "ä 1 1"'],
    ['a{b="c"}1 1', 'no space and value at "1 1"'],
    ['a {b="c"} 1 1', '"{b=\\"c\\"}" is no number'],
    ['a{', 'no label name at ""'],
    ['a{1b="c"} 1 1', 'no label name at "1b='],
    ['a{b:c="d"} 1 1', 'no =" at ":c='],
    ['a{ b="c"} 1 1', 'no label name at " b='],
    ['a{b ="c"} 1 1', 'no =" at " ='],
    ['a{b= "c"} 1 1', 'no =" at "= '],
    ["a{b='c'} 1 1", 'no =" at "=\'c'],
    ['a{,} 1 1', 'no label name at ",} 1 1"'],
    ['a{b="c",,d="e"} 1 1', 'no label name at ",d='],
    ['a{b="c"d="e"} 1 1', 'no comma or closing brace at "d='],
    ['a{b="c" } 1 1', 'no comma or closing brace at " }'],
    ['a{b="c" 1 1', 'no comma or closing brace at " 1 1"'],
    ['a{b="c', 'no closing quote for "\\"c"'],
    ['a{b="c\\"} 1 1', 'no closing quote for "\\"c'],
    ['a{b="c\\', 'no closing quote for "\\"c'],
    ['a  1 1', '"" is no number'],
    ['a 1,5 1', '"1,5" is no number'],
    ['a 0x10 1', '"0x10" is no number'],
    ['a 0b1 1', '"0b1" is no number'],
    ['a 1_000 1', '"1_000" is no number'],
    ['a 1n 1', '"1n" is no number'],
    ['a . 1', '"." is no number'],
    ['a 1e 1', '"1e" is no number'],
    ['a e1 1', '"e1" is no number'],
    ['a --1 1', '"--1" is no number'],
    ['a +NaN 1', '"+NaN" is no number'],
    ['a Infinit 1', '"Infinit" is no number'],
    ['a 1\t 1', '"1\\t" is no number'],
    ['a ١ 1', '"١" is no number'],
    ['a 1e309 1', '"1e309" is too large'],
    ['a -1.7976931348623159e308 1', 'is too large'],
    ['a 1', 'the sample has no timestamp'],
    ['a 1 # {} 1 1', 'the sample has no timestamp'],
    ['a 1 ', '"" is no timestamp in seconds'],
    ['a 1  1', '"" is no timestamp in seconds'],
    ['a 1 1\r', '"1\\r" is no timestamp in seconds'],
    ['a 1 NaN', '"NaN" is no timestamp in seconds'],
    ['a 1 +Inf', '"+Inf" is no timestamp in seconds'],
    ['a 1 0x10', '"0x10" is no timestamp in seconds'],
    ['a 1 1.2.3', '"1.2.3" is no timestamp in seconds'],
    ['a 1 1.12x', '"1.12x" is no timestamp in seconds'],
    ['a 1 2023-11-14T22:13:20Z', '"2023-11-14T22:13:20Z" is no timestamp in seconds'],
    ['a 1 1 ', '" " stands behind the timestamp'],
    ['a 1 1 1', '" 1" stands behind the timestamp'],
    ['a 1 1 # comment', '" # comment" stands behind the timestamp'],
    ['a 1 1 #{} 1', '" #{} 1" stands behind the timestamp'],
    ['a 1 1 # {', 'no label name at ""'],
    ['a 1 1 # {x=1} 1', 'no =" at "=1} 1"'],
    ['a 1 1 # {x="y"}', 'no space and value at ""'],
    ['a 1 1 # {x="y"} ', '"" is no number'],
    ['a 1 1 # {x="y"} z', '"z" is no number'],
    ['a 1 1 # {x="y"} 1 z', '"z" is no timestamp in seconds'],
    ['a 1 1 # {x="y"} 1 1 1', '" 1" stands behind the exemplar'],
  ])('%j', async (line, what) => {
    // Between good ones: the lines are counted, and what is missing in one is not taken from the next.
    const error = await errorOf(textOf('# TYPE a gauge', 'a{b="c"} 1 1', line, 'a{b="c"} 2 2'))
    expect(error.message).toContain(`text:3: `)
    expect(error.message).toContain(what)
    expect(error).toMatchObject({ code: 'ERR_TSDB_SYNTAX', file: 'text', line: 3 })
  })

  it.each(['a{b="c",b="d"} 1 1', 'a{b="",b="d"} 1 1', 'a{__name__="b"} 1 1', 'a 1 1 # {b="c",b="c"} 1'])(
    'for a label that is there twice: %s',
    async (line) => {
      const error = await errorOf(textOf('a 1 1', line))
      expect(error).toMatchObject({ code: 'ERR_TSDB_BAD_LABELS', file: 'text', line: 2 })
      expect(error.message).toMatch(/^text:2: label (b|__name__) is there twice$/)
    },
  )

  it.each([
    '2251799813685.248',
    '-2251799813685.248',
    '2251799813685.2475',
    '99999999999999999',
    '1e17',
    '1e999999999999',
  ])('for a timestamp too far away: %s', async (token) => {
    const error = await errorOf(textOf('a 1 1', `a 1 ${token}`))
    expect(error).toMatchObject({ code: 'ERR_TSDB_UNSUPPORTED', file: 'text', line: 2 })
  })

  it.each([
    ['a byte that is none', byte(0xff)],
    ['half a character', byte(0xc3)],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['a longer form than needed', Buffer.from([0xc0, 0xa0])],
  ])('for UTF-8 that is bad: %s', async (_, bytes) => {
    const text = lines('a{b="ä"} 1 1\na{b="', bytes, '"} 2 2\n# EOF\n')
    expect(await errorOf(text)).toMatchObject({ code: 'ERR_TSDB_BAD_LABELS', file: 'text', line: 2 })
  })

  it('for a NUL', async () => {
    const error = await errorOf(textOf('a{b="ä"} 1 1', 'a{b="\0"} 1 1'))
    expect(error).toMatchObject({ code: 'ERR_TSDB_SYNTAX', file: 'text', line: 2 })
    expect(error.message).toBe('text:2: there is a NUL in the line')
  })

  it('after the lines before it were read, whatever is in those behind it', async () => {
    const text = lines('a 1 1\nb\nc{d="', byte(0xff), '"} 1 1\n')
    expect(await errorOf(text)).toMatchObject({ code: 'ERR_TSDB_SYNTAX', line: 2 })
  })
})

describe('metadata is refused', () => {
  it.each([
    ['#', '"#" is no TYPE, UNIT, HELP or EOF'],
    ['# a comment', '"# a comment" is no TYPE'],
    ['#TYPE a gauge', 'is no TYPE'],
    ['#  TYPE a gauge', 'is no TYPE'],
    ['# type a gauge', 'is no TYPE'],
    ['# EOF ', 'is no TYPE'],
    ['# EOF\r', 'is no TYPE'],
    ['# TYPE a', 'is no TYPE'],
    ['# TYPE  a gauge', 'is no TYPE'],
    ['# HELP a', 'is no TYPE'],
    ['# HELP 1a text', 'is no TYPE'],
    ['# HELP a-b text', 'is no TYPE'],
    ['# TYPE a ', 'there is no type ""'],
    ['# TYPE a gauge ', 'there is no type "gauge "'],
    ['# TYPE a Gauge', 'there is no type "Gauge"'],
    ['# TYPE a untyped', 'there is no type "untyped"'],
    ['# UNIT a s-1', '"s-1" is no unit'],
    ['# UNIT a_s s ', '"s " is no unit'],
    ['# UNIT a s', 'does not end with its unit "s"'],
    ['# UNIT as s', 'does not end with its unit "s"'],
    ['# UNIT s s', 'does not end with its unit "s"'],
    ['# TYPE before gauge', 'TYPE of "before" is there twice'],
    ['# HELP before again', 'HELP of "before" is there twice'],
    ['# UNIT before ', 'UNIT of "before" is there twice'],
    ['# TYPE sampled gauge', 'TYPE of "sampled" stands behind samples of "sampled"'],
    ['# HELP sampled text', 'HELP of "sampled" stands behind samples of "sampled"'],
    ['# UNIT sampled ', 'UNIT of "sampled" stands behind samples of "sampled"'],
    ['# TYPE hits counter', 'TYPE of "hits" stands behind samples of "hits_total"'],
    ['# HELP known text', 'HELP of "known" stands behind samples of "known_bucket"'],
  ])('%j', async (line, what) => {
    const before = ['# TYPE before gauge', '# HELP before text', '# UNIT before ', '# TYPE known histogram']
    const samples = ['sampled{a="b"} 1 1', 'hits_total 1 1', 'known_bucket 1 1']
    const error = await errorOf(textOf(...before, ...samples, line))
    expect(error).toMatchObject({ code: 'ERR_TSDB_SYNTAX', file: 'text', line: 8 })
    expect(error.message).toContain(what)
  })

  it('for UTF-8 that is bad, and for a NUL', async () => {
    for (const bad of [0xff, 0]) {
      const error = await errorOf(lines('# HELP a ', byte(bad), '\n# EOF\n'))
      expect(error).toMatchObject({ code: 'ERR_TSDB_SYNTAX', file: 'text', line: 1 })
    }
  })
})

describe('a text is refused', () => {
  it.each([
    ['', 1, 'the file does not end with # EOF'],
    ['\n', 1, 'the line is blank'],
    ['a 1 1\n', 1, 'the file does not end with # EOF'],
    ['a 1 1\nb 1 1', 2, 'the file does not end with # EOF'],
    ['a 1 1\n# EO', 2, 'the file does not end with # EOF'],
    ['a 1 1\n# EOF ', 2, 'the file does not end with # EOF'],
    ['# EOF\n\n', 2, 'there is something behind # EOF'],
    ['# EOF\na 1 1\n', 2, 'there is something behind # EOF'],
    ['# EOF\na', 2, 'there is something behind # EOF'],
    ['# EOF\n# EOF\n', 2, 'there is something behind # EOF'],
  ])('%j', async (text, line, what) => {
    expect(await errorOf(text)).toMatchObject({
      code: 'ERR_TSDB_SYNTAX',
      file: 'text',
      line,
      message: `text:${line}: ${what}`,
    })
  })

  it('for the same reason however it is cut', async () => {
    const texts = [
      lines('a 1 1\nb{c="ä', byte(0xff), '"} 1 1\nc 1\n# EOF\n'),
      lines('a 1 1\n# EOF\nb{c="', byte(0xff), '"} 1 1\n'),
      lines('a 1 1\nb{c="d\0"} 1 1\n'),
      lines('a{b="ä"} 1 1\na{b="ö"} 1\n'),
      lines('# HELP a b\na 1 1\n# TYPE a gauge'),
      lines('# HELP a b\na 1 1\n# TYPE a gauge\n# EOF'),
    ]
    for (const text of texts) {
      const whole = await errorOf(text)
      for (let bytes = 1; bytes < text.length; bytes++) {
        expect(await errorOf(text, bytes)).toMatchObject({ code: whole.code, message: whole.message })
      }
    }
  })

  it('for a line that does not end, before all of it is read', async () => {
    let readBytes = 0
    async function* endless(): AsyncGenerator<Buffer> {
      for (; readBytes < 2 * LINE_BYTES_MAX; readBytes += 1000) yield Buffer.alloc(1000, '1')
    }
    await expect(openMetricsSamples(endless(), 'text').next()).rejects.toThrow(
      'text:1: the line has more than 1048576 bytes',
    )
    expect(readBytes).toBeLessThanOrEqual(LINE_BYTES_MAX)
  })
})

describe('errors', () => {
  it('show control characters escaped, and long texts cut', async () => {
    const { message } = await errorOf(textOf(`a ${'\u001b'.repeat(1000)} 1`))
    expect(message).toBe(`text:1: "${'\\u001b'.repeat(60)}"... is no number`)
  })
})
