/** A fault put into the source: the proof has to fail, and there has to be a sequence of calls that shows why. */
export interface Mutant {
  readonly name: string
  readonly path: string
  /** What stands once in the file, and what instead. */
  readonly from: string
  readonly to: string
}

const plan = 'src/plan.ts'
const inflight = 'src/inflight.ts'

/** The faults that writers of this kind have had, and those that the arithmetic invites. */
export const mutants: readonly Mutant[] = [
  {
    name: 'floorTo rounds to the nearest block',
    path: plan,
    from: 'return position - (position % block)',
    to: 'return position + 256 - ((position + 256) % block)',
  },
  {
    name: 'ceilTo forgets the block that it rounds up to',
    path: plan,
    from: 'position - over + block',
    to: 'position - over',
  },
  {
    name: 'ceilTo pads a whole block by another one',
    path: plan,
    from: 'return over === 0 ? position :',
    to: 'return over === 1 ? position :',
  },
  {
    name: 'alignment is taken for 512 bytes, whatever the file asks for',
    path: plan,
    from: 'const end = floorTo(fill.offset + fill.filled, block)',
    to: 'const end = floorTo(fill.offset + fill.filled, 512)',
  },
  {
    name: 'a full buffer ends off the grain, and off the block',
    path: plan,
    from: 'return end > offset ? end - offset : floorTo(bufferSize, block)',
    to: 'return end > offset ? end - offset - 1 : floorTo(bufferSize, block)',
  },
  {
    name: 'a buffer that ends where it begins takes nothing',
    path: plan,
    from: 'return end > offset ?',
    to: 'return end >= offset ?',
  },
  {
    name: 'a short write is gone on with from inside a block',
    path: plan,
    from: 'return floorTo(taken, block)',
    to: 'return taken',
  },
  {
    name: 'a short write is taken for whole',
    path: plan,
    from: 'return { from: doneBytes, position, length: end - position }',
    to: 'return { from: doneBytes, position, length: end - start }',
  },
  {
    name: 'the rest of a short write comes from the beginning of its memory',
    path: plan,
    from: 'return { from: doneBytes, position,',
    to: 'return { from: 0, position,',
  },
  {
    name: 'the tail is lost',
    path: plan,
    from: 'return { offset, filled: position - offset, limit: 0 }',
    to: 'return { offset, filled: 0, limit: 0 }',
  },
  {
    name: 'after a flush in the middle the offset is not on a block',
    path: plan,
    from: 'return { offset, filled: position - offset, limit: 0 }',
    to: 'return { offset: position, filled: 0, limit: 0 }',
  },
  {
    name: 'padding counts as data',
    path: plan,
    from: 'return { start: fill.offset, end: ceilTo(dataEnd, block), dataEnd }',
    to: 'return { start: fill.offset, end: ceilTo(dataEnd, block), dataEnd: ceilTo(dataEnd, block) }',
  },
  {
    name: 'the last byte is not in the padded tail',
    path: plan,
    from: 'const dataEnd = fill.offset + fill.filled\n  return { start: fill.offset, end: ceilTo',
    to: 'const dataEnd = fill.offset + fill.filled - 1\n  return { start: fill.offset, end: ceilTo',
  },
  {
    name: 'the padding keeps nothing of the file, or the file nothing of its length',
    path: plan,
    from: 'return Math.max(lengthAtOpen, writtenEnd, preallocatedEnd)',
    to: 'return Math.max(writtenEnd, preallocatedEnd)',
  },
  {
    name: 'what was in the file behind the tail is overwritten with zeros',
    path: plan,
    from: 'return position < lengthAtOpen && position % block !== 0',
    to: 'return position < lengthAtOpen - 100 && position % block !== 0',
  },
  {
    name: 'a patch begins at its byte instead of its block',
    path: plan,
    from: 'const start = floorTo(from, block)\n',
    to: 'const start = from\n',
  },
  {
    name: 'a patch leaves out its last, partly replaced block',
    path: plan,
    from: 'ceilTo(end, block))\n  return { start, length',
    to: 'floorTo(end, block))\n  return { start, length',
  },
  {
    name: 'a patch in two pieces skips a byte between them',
    path: plan,
    from: 'to: Math.min(end, stop) }',
    to: 'to: Math.min(end, stop + 1) }',
  },
  {
    name: 'written moves over a gap',
    path: inflight,
    from: "if (state !== 'landed') break",
    to: "if (state === 'failed') break",
  },
  {
    name: 'written counts the padding',
    path: inflight,
    from: 'for (const { state, dataEnd } of this.#ranges) {',
    to: 'for (const { state, end: dataEnd } of this.#ranges) {',
  },
  {
    name: 'one finished transfer is left in the list',
    path: inflight,
    from: 'return this.#ranges.splice(0, finished)',
    to: 'return this.#ranges.splice(0, finished - 1)',
  },
  {
    name: 'a failed transfer counts as whole',
    path: inflight,
    from: 'Math.min(first.start + first.doneBytes, first.dataEnd)',
    to: 'first.dataEnd',
  },
  {
    name: 'what landed behind a gap is not written again',
    path: inflight,
    from: 'if (range !== first || range.start + range.doneBytes === range.end) range.doneBytes = 0',
    to: 'if (range.start + range.doneBytes === range.end) range.doneBytes = range.end - range.start',
  },
  {
    name: 'what failed is cut at the byte instead of the block',
    path: inflight,
    from: 'range.end = Math.min(range.end, boundary)',
    to: 'range.end = Math.min(range.end, position)',
  },
  {
    name: 'taking back leaves written where it was',
    path: inflight,
    from: 'this.written = Math.min(this.written, position)\n    let kept',
    to: 'this.written = Math.max(this.written, position)\n    let kept',
  },
  {
    name: 'taking back keeps what is taken back',
    path: inflight,
    from: 'if (range.start + range.doneBytes < range.end) kept++',
    to: 'if (range.start + range.doneBytes <= range.end) kept++',
  },
]
