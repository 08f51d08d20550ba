import { UsageError } from './usage.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes for people: `1.5 MiB`. */
export function showSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/**
 * Bytes as people write them: `4096`, `10GiB`, `1.5 MiB`, `64k`.
 *
 * @throws UsageError
 */
export function parseSize(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text)
  const power = 'kmgt'.indexOf((match?.[2] ?? '').toLowerCase() || '-') + 1
  const bytes = Number(match?.[1]) * 1024 ** power
  if (Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(`${name} must be a size such as 10GiB, not '${text}'`)
}
