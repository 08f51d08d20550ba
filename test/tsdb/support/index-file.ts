/**
 * Takes an index apart, and puts small ones together, without the code under test: after tsdb/docs/format/index.md of
 * Prometheus. Every length, checksum and padding is looked at, and that every byte of the file belongs to something.
 */
import { crc32c } from '@node-rs/crc32'
import { expect } from 'vitest'

export interface ParsedChunk {
  readonly minTimeMs: number
  readonly maxTimeMs: number
  readonly reference: number
}

export interface ParsedSeries {
  /** Its offset in the file, in multiples of 16. */
  readonly reference: number
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly chunks: readonly ParsedChunk[]
}

export interface ParsedPostings {
  readonly name: string
  readonly value: string
  readonly offset: number
  readonly references: readonly number[]
}

export interface ParsedIndex {
  readonly symbols: readonly string[]
  readonly series: readonly ParsedSeries[]
  /** In the order of the table. */
  readonly postings: readonly ParsedPostings[]
  /** Offsets of the sections, as the table of contents has them. */
  readonly contents: Readonly<Record<Section, number>>
}

const sections = ['symbols', 'series', 'labelIndices', 'labelIndexTable', 'postings', 'postingsTable'] as const
type Section = (typeof sections)[number]

const HEADER_BYTES = 5
/** Magic and version. */
export const INDEX_HEADER = Buffer.from([0xba, 0xaa, 0xd7, 0x00, 2])
const CONTENTS_BYTES = 8 * sections.length + 4

/** Goes through a part of the file. */
class Part {
  constructor(
    readonly bytes: Buffer,
    public at = 0,
  ) {}

  uint32(): number {
    this.at += 4
    return this.bytes.readUInt32BE(this.at - 4)
  }

  uint64(): number {
    return this.uint32() * 2 ** 32 + this.uint32()
  }

  uvarint(): number {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes.readUInt8(this.at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(value)
    }
  }

  varint(): number {
    const value = BigInt(this.uvarint())
    return Number(value % 2n === 0n ? value / 2n : -(value + 1n) / 2n)
  }

  text(): string {
    return this.take(this.uvarint()).toString('utf8')
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new Error(`nothing has ${length} bytes at byte ${this.at}`)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** The content before a checksum, which is checked. */
  content(length: number): Part {
    const content = this.take(length)
    if (this.uint32() !== crc32c(content)) throw new Error(`the checksum before byte ${this.at} is wrong`)
    return new Part(content)
  }

  /** Zeros up to a multiple of `alignment`. */
  padding(alignment: number): void {
    const padding = this.take((alignment - (this.at % alignment)) % alignment)
    if (padding.some((byte) => byte !== 0)) throw new Error(`what is before byte ${this.at} is not padded with zeros`)
  }

  expectEnd(): void {
    if (this.at !== this.bytes.length) throw new Error(`${this.bytes.length - this.at} bytes are left`)
  }
}

export function parseIndex(bytes: Buffer): ParsedIndex {
  const file = new Part(bytes)
  expect(file.take(HEADER_BYTES).equals(INDEX_HEADER)).toBe(true)
  const contents = parseContents(bytes)
  expect(contents).toMatchObject({ symbols: HEADER_BYTES, labelIndices: 0 })

  const symbols: string[] = []
  const symbolTable = file.content(file.uint32())
  for (let left = symbolTable.uint32(); left > 0; left--) symbols.push(symbolTable.text())
  symbolTable.expectEnd()

  expect(contents.series).toBe(file.at)
  const series: ParsedSeries[] = []
  while (contents.postings - file.at > 3) series.push(parseSeries(file, symbols))
  const postings = parsePostings(file, contents)

  expect(contents.labelIndexTable).toBe(file.at)
  const labelIndices = file.content(file.uint32())
  expect(labelIndices.uint32()).toBe(0)
  labelIndices.expectEnd()

  expect(contents.postingsTable).toBe(file.at)
  const table = file.content(file.uint32())
  expect(table.uint32()).toBe(postings.length)
  const named = postings.map(({ offset, references }): ParsedPostings => {
    expect(table.uvarint()).toBe(2)
    const [name, value] = [table.text(), table.text()]
    expect(table.uvarint()).toBe(offset)
    return { name, value, offset, references }
  })
  table.expectEnd()
  expect(bytes.length - file.at).toBe(CONTENTS_BYTES)
  return { symbols, series, postings: named, contents }
}

export function parseContents(bytes: Buffer): Record<Section, number> {
  const part = new Part(bytes, bytes.length - CONTENTS_BYTES)
  const content = part.content(CONTENTS_BYTES - 4)
  return Object.fromEntries(sections.map((section) => [section, content.uint64()])) as Record<Section, number>
}

function parseSeries(file: Part, symbols: readonly string[]): ParsedSeries {
  file.padding(16)
  const reference = file.at / 16
  const entry = file.content(file.uvarint())
  const symbol = (): string => {
    const number = entry.uvarint()
    const text = symbols[number]
    if (text === undefined) throw new Error(`there is no symbol ${number}`)
    return text
  }
  const labels = Array.from({ length: entry.uvarint() }, () => [symbol(), symbol()] as const)
  const chunks: ParsedChunk[] = []
  for (let left = entry.uvarint(); left > 0; left--) {
    const last = chunks.at(-1)
    const minTimeMs = last === undefined ? entry.varint() : last.maxTimeMs + entry.uvarint()
    const maxTimeMs = minTimeMs + entry.uvarint()
    chunks.push({
      minTimeMs,
      maxTimeMs,
      reference: last === undefined ? entry.uvarint() : last.reference + entry.varint(),
    })
  }
  entry.expectEnd()
  return { reference, labels, chunks }
}

function parsePostings(file: Part, contents: ParsedIndex['contents']): Pick<ParsedPostings, 'offset' | 'references'>[] {
  const lists: Pick<ParsedPostings, 'offset' | 'references'>[] = []
  while (file.at < contents.labelIndexTable) {
    file.padding(4)
    if (lists.length === 0) expect(contents.postings).toBe(file.at)
    const offset = file.at
    const content = file.content(file.uint32())
    const references = Array.from({ length: content.uint32() }, () => content.uint32())
    content.expectEnd()
    lists.push({ offset, references })
  }
  return lists
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const withChecksum = (content: Buffer): Buffer => Buffer.concat([content, uint32(crc32c(content))])

/** For contents shorter than 128 bytes. */
const withLength = (content: Buffer): Buffer => Buffer.concat([Buffer.of(content.length), content])

export interface IndexParts {
  /** UTF-8, or what should be. */
  readonly symbols?: readonly (string | Buffer)[]
  /** Contents of entries of series. */
  readonly series?: readonly Buffer[]
  /** In place of what they should be. */
  readonly contents?: Partial<Record<Section, number>>
}

/** A small index with right checksums, whatever is in it, and without postings. */
export function indexOf({ symbols = [], series = [], contents = {} }: IndexParts): Buffer {
  const table = Buffer.concat([uint32(symbols.length), ...symbols.map((symbol) => withLength(Buffer.from(symbol)))])
  const parts = [INDEX_HEADER, uint32(table.length), withChecksum(table)]
  const length = () => parts.reduce((sum, part) => sum + part.length, 0)
  const seriesStart = length()
  for (const content of series) {
    parts.push(Buffer.alloc((16 - (length() % 16)) % 16), Buffer.of(content.length), withChecksum(content))
  }
  const labelIndexTable = length()
  parts.push(uint32(4), withChecksum(uint32(0)))
  const offsets = { symbols: HEADER_BYTES, series: seriesStart, labelIndexTable, ...contents }
  const toc = sections.map((section) => Buffer.concat([uint32(0), uint32(offsets[section] ?? 0)]))
  return Buffer.concat([...parts, withChecksum(Buffer.concat(toc))])
}
