import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import {
  checkOrder,
  compareLabels,
  compareText,
  formatLabels,
  type Label,
  labelsKey,
  labelsOf,
} from '../../bench/tsdb/labels.ts'

/** Around every border at which the order of code units and that of UTF-8 could part. */
const edges = [
  '',
  'a',
  '\u007F',
  '\u0080',
  '\u07FF',
  '\u0800',
  '\uD7FF',
  '\uE000',
  '\uFFFD',
  '\uFFFF',
  '\u{10000}',
  '\u{10FFFF}',
]
const someText = fc.string({
  unit: fc.oneof(fc.constantFrom(...edges), fc.constantFrom('a', 'b'), fc.string({ unit: 'binary', maxLength: 1 })),
})
/** Also halves of surrogate pairs. */
const anyUnits = fc
  .array(fc.oneof(fc.integer({ min: 0xd7fe, max: 0xe001 }), fc.constantFrom(0x61, 0xd800, 0xdbff, 0xdc00, 0xdfff)))
  .map((units) => String.fromCharCode(...units))

const bytesOrder = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('the order of texts', () => {
  test.prop([someText, someText, someText], { numRuns: 1000 })('is that of their UTF-8', (start, a, b) => {
    expect(Math.sign(compareText(start + a, start + b))).toBe(bytesOrder(start + a, start + b))
  })

  it('is that of their UTF-8 where that differs from the order of code units', () => {
    for (const a of edges)
      for (const b of edges) expect(Math.sign(compareText(a, b)), `${a} ${b}`).toBe(bytesOrder(a, b))
    expect(compareText('\u{10000}', '\uFFFF')).toBeGreaterThan(0)
  })

  test.prop([anyUnits, anyUnits], { numRuns: 1000 })('never contradicts UTF-8, also for halves of pairs', (a, b) => {
    // Halves are all the same in UTF-8, and not in the text.
    if (bytesOrder(a, b) !== 0) expect(Math.sign(compareText(a, b))).toBe(bytesOrder(a, b))
  })
})

const someLabels = fc
  .uniqueArray(
    fc.record({ name: someText.filter((name) => name !== ''), value: someText.filter((value) => value !== '') }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 5 },
  )
  .map((labels) => labels.toSorted((a, b) => bytesOrder(a.name, b.name)))

/** Names and values as one list of bytes, each with a byte behind it that is below all of them. */
function flat(labels: readonly Label[]): number[] {
  const bytes: number[] = []
  for (const { name, value } of labels) bytes.push(...Buffer.from(name), -1, ...Buffer.from(value), -1)
  return bytes
}

function sign(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((byte, i) => byte !== b[i])
  if (at === -1 || at >= b.length) return Math.sign(a.length - b.length)
  return Math.sign(a[at]! - b[at]!)
}

describe('the order of label sets', () => {
  test.prop([someLabels, someLabels, someLabels], { numRuns: 500 })(
    'is name before value, label by label, and of two that begin alike the shorter one first',
    (start, a, b) => {
      for (const [x, y] of [
        [a, b],
        [
          [...start, ...a],
          [...start, ...b],
        ],
        [start, [...start, ...a]],
      ] as const) {
        expect(Math.sign(compareLabels(x, y))).toBe(sign(flat(x), flat(y)))
        expect(Math.sign(compareLabels(y, x))).toBe(sign(flat(y), flat(x)))
      }
      expect(compareLabels(a, a)).toBe(0)
    },
  )
})

describe('labels that are put together', () => {
  test.prop([someLabels, fc.infiniteStream(fc.nat())])(
    'come sorted by name, however they come in',
    (labels, random) => {
      const shuffled = labels
        .map((label) => ({ label, place: random.next().value }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ label }): [string, string] => [label.name, label.value])
      expect(labelsOf(shuffled)).toEqual(labels)
    },
  )

  it('lose those without a value', () => {
    const pairs: [string, string][] = [
      ['b', ''],
      ['a', '1'],
      ['c', ''],
    ]
    expect(labelsOf(pairs)).toEqual([{ name: 'a', value: '1' }])
  })

  it.each([
    ['no name', [['', 'x']], 'a label has no name'],
    [
      'a name twice',
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
      'label a is there twice',
    ],
    ['nothing', [], 'a series has no labels'],
    ['no value', [['a', '']], 'a series has no labels'],
    ['half a pair in a name', [['a\uD800', 'x']], 'label "a\\ud800" is not UTF-8'],
    ['half a pair in a value', [['a', '\uDC00x']], 'label "a" is not UTF-8'],
    ['the halves of a pair in the wrong order', [['a', '\uDC00\uD800']], 'label "a" is not UTF-8'],
  ] as [string, [string, string][], string][])('are refused: %s', (_, pairs, message) => {
    expect(() => labelsOf(pairs)).toThrow(expect.objectContaining({ code: 'ERR_TSDB_BAD_LABELS', message }))
  })
})

const named = (...names: readonly string[]): Label[] => names.map((name) => ({ name, value: 'x' }))

describe('labels that are there', () => {
  it.each([[[]], [['a']], [['a', 'ab', 'b', '\uFFFF', '\u{10000}']]])(
    'are in order when their names rise: %j',
    (names) => {
      expect(() => checkOrder(named(...names))).not.toThrow()
    },
  )

  it.each([
    [['a', 'a'], 'label a is there twice'],
    [['a', 'c', 'b'], 'label b stands behind c'],
    [['\u{10000}', '\uFFFF'], 'label \uFFFF stands behind \u{10000}'],
  ])('are refused when they do not: %j', (names, message) => {
    expect(() => checkOrder(named(...names))).toThrow(expect.objectContaining({ code: 'ERR_TSDB_BAD_LABELS', message }))
  })
})

describe('the key of a label set', () => {
  /** Texts of which keys are made, so that a name could look like what stands between two. */
  const tricky = fc.string({ unit: fc.constantFrom('1', '2', ',', 'a', '=') })
  const someTricky = fc.array(fc.record({ name: tricky, value: tricky }), { maxLength: 4 })

  test.prop([someTricky, someTricky], { numRuns: 2000 })('is that of no other one', (a, b) => {
    expect(labelsKey(a) === labelsKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
  })

  test.prop([someTricky, fc.nat()], { numRuns: 2000 })(
    'changes when its texts are cut elsewhere',
    (labels, anywhere) => {
      const texts = labels.flatMap(({ name, value }) => [name, value])
      const all = texts.join('')
      const cut = all.length === 0 ? 0 : anywhere % (all.length + 1)
      const other = [{ name: all.slice(0, cut), value: all.slice(cut) }]
      expect(labelsKey(other) === labelsKey(labels)).toBe(JSON.stringify(other) === JSON.stringify(labels))
    },
  )
})

describe('labels as text', () => {
  it('are written as Prometheus does', () => {
    expect(
      formatLabels(
        labelsOf([
          ['job', 'a "b" \\ \n'],
          ['__name__', 'up'],
          ['z', 'ü€𝄞'],
        ]),
      ),
    ).toBe(String.raw`{__name__="up", job="a \"b\" \\ \n", z="ü€𝄞"}`)
  })
})
