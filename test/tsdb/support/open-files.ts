import { readdirSync, readlinkSync } from 'node:fs'

/** What this process has open of a file, or in a folder, each file as often as it is open. */
export function openFilesIn(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      // The one that the list was read by.
      return []
    }
  })
}
