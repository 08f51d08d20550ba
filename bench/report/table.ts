/** Text in columns. */

export interface Column {
  /** One or more lines; blank lines are added on top where other columns have more. */
  readonly heading: readonly string[]
  readonly align: 'left' | 'right'
}

/** A row of cells, or a row that has a text in place of all cells but the first. */
export type Row = { readonly cells: readonly string[] } | { readonly name: string; readonly text: string }

const GAP = '  '

/**
 * Lays rows out under headings. Columns are as wide as their widest cell; the texts of rows without cells are wrapped
 * at `widthMax`.
 *
 * @returns the lines of the heading, and for each row its lines.
 */
export function layOut(
  columns: readonly Column[],
  rows: readonly Row[],
  widthMax: number,
): { readonly heading: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const widths = columns.map(({ heading }, index) =>
    Math.max(
      ...heading.map((line) => line.length),
      ...rows.map((row) => ('cells' in row ? (row.cells[index] ?? '').length : index === 0 ? row.name.length : 0)),
    ),
  )
  const lineOf = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index]!
        return align === 'left' ? cell.padEnd(width) : cell.padStart(width)
      })
      .join(GAP)
      .trimEnd()
  const headingLines = Math.max(...columns.map(({ heading }) => heading.length))
  const heading = Array.from({ length: headingLines }, (_, line) =>
    lineOf(columns.map((column) => column.heading[column.heading.length - headingLines + line] ?? '')),
  )
  const nameWidth = widths[0] ?? 0
  return {
    heading,
    rows: rows.map((row) => {
      if ('cells' in row) return [lineOf(row.cells)]
      const [first = '', ...others] = wrap(row.text, widthMax - nameWidth - GAP.length)
      const indent = ' '.repeat(nameWidth)
      return [`${row.name.padEnd(nameWidth)}${GAP}${first}`, ...others.map((line) => `${indent}${GAP}${line}`)]
    }),
  }
}

/** Breaks a text between words so that no line is longer than `widthMax`, unless a single word is. */
export function wrap(text: string, widthMax: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > widthMax) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
