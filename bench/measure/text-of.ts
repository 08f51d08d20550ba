import { readFileSync } from 'node:fs'

/** What a small file says, such as those of /proc and /sys, without blanks around it; `null` where there is nothing to read. */
export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null
  } catch {
    return null
  }
}
