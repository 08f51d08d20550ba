import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout, from wherever this is run: as it stands, or compiled to out/verify. */
export const root = above(dirname(fileURLToPath(import.meta.url)))

function above(folder: string): string {
  if (existsSync(join(folder, 'verify/subset.json'))) return folder
  if (dirname(folder) === folder) throw new Error('verify/subset.json is not to be found')
  return above(dirname(folder))
}
