import { readFileSync } from 'node:fs'
import { KIB } from '../units.ts'

/**
 * The most memory that was ever resident of this process; `null` where the kernel does not tell.
 *
 * `process.resourceUsage().maxRSS` is something else: what the process had before it became this program counts there,
 * and that was a copy of its parent.
 */
export function residentPeakBytes(): number | null {
  let status: string
  try {
    status = readFileSync('/proc/self/status', 'utf8')
  } catch {
    return null
  }
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return kib === undefined ? null : Number(kib) * KIB
}
