/** Reading a profile: one that is shipped, by its name, or a file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UsageError } from './arguments.ts'
import { codeOf, messageOf } from './errors.ts'
import { packageFolder } from './package.ts'
import { type Profile, profileSchema } from './schema/profile.ts'

export const DEFAULT_PROFILE = 'default'
export const QUICK_PROFILE = 'quick'

const shippedFolder = join(packageFolder, 'bench', 'profiles')

/** The names of those that are shipped. */
export function shippedProfiles(): string[] {
  return readdirSync(shippedFolder).map((name) => name.replace(/\.json$/, ''))
}

/**
 * @param nameOrPath the name of one that is shipped, or the path of a JSON file
 * @throws {UsageError} that says what is wrong with it
 */
export function readProfile(nameOrPath: string): Profile {
  const shipped = shippedProfiles()
  const path = shipped.includes(nameOrPath) ? join(shippedFolder, `${nameOrPath}.json`) : nameOrPath
  const parsed = profileSchema.safeParse(readJson(path, shipped))
  if (parsed.success) return parsed.data
  throw new UsageError(`--profile ${nameOrPath}:\n${z.prettifyError(parsed.error)}`)
}

function readJson(path: string, shipped: readonly string[]): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const known = `Shipped profiles: ${shipped.join(', ')}`
    throw new UsageError(`--profile ${path}: it cannot be read (${codeOf(error)}). ${known}`, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--profile ${path}: not JSON: ${messageOf(error)}`, { cause: error })
  }
}
