/** Byte sizes and durations: what a person types and reads, against what the code counts in. */

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** Suffixes in lower case. Both families are taken, since disks are sold in powers of ten. */
const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  kib: KIB,
  mib: MIB,
  gib: GIB,
  tib: 1024 * GIB,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
}

/** The spellings that {@link parseBytes} takes, for messages. */
export const byteUnits = 'B, KiB, MiB, GiB, TiB, KB, MB, GB, TB'

/**
 * Reads a size such as `1GiB`, `256 MiB`, `1.5GB` or `8388608`.
 *
 * @returns a whole number of bytes, one or more, or `null` when the text is not such a size.
 */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  if (match === null) return null
  const unit = bytesPerUnit[(match[2] || 'b').toLowerCase()]
  if (unit === undefined) return null
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
}

/** A size for a heading: the largest binary unit that fits, at most one decimal (`1 GiB`, `1.5 MiB`). */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', GIB],
    ['MiB', MIB],
    ['KiB', KIB],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`
  }
  return `${bytes} B`
}

/** A duration for the progress display: `47 s` below two minutes, `3 min 05 s` above. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 120) return `${whole} s`
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}
