import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { codeOf, messageOf } from '../errors.ts'
import { type Report, reportSchema, SCHEMA_VERSION } from '../schema/report.ts'

/** A file that is no report of this version: the message says what it is instead. */
export class ReportError extends Error {
  override readonly name = 'ReportError'
}

/** More details would hide the first. */
const ISSUES_MAX = 3

/**
 * Reads what `--json` has written.
 *
 * @throws {ReportError} for anything else
 */
export async function readReport(path: string): Promise<Report> {
  const content = parse(path, await readText(path))
  const version = versionOf(content)
  if (version === null) throw new ReportError(`${path} is no report of this benchmark: it has no schemaVersion`)
  if (version !== SCHEMA_VERSION) throw new ReportError(otherVersion(path, version))
  const parsed = reportSchema.safeParse(content)
  if (parsed.success) return parsed.data
  const first = new z.ZodError(parsed.error.issues.slice(0, ISSUES_MAX))
  throw new ReportError(`${path} is not as a report should be:\n${z.prettifyError(first)}`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ReportError(`${path} cannot be read (${codeOf(error)})`, { cause: error })
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ReportError(`${path} is not JSON: ${messageOf(error)}`, { cause: error })
  }
}

function versionOf(content: unknown): number | null {
  const parsed = z.object({ schemaVersion: z.number() }).safeParse(content)
  return parsed.success ? parsed.data.schemaVersion : null
}

function otherVersion(path: string, version: number): string {
  const advice = version < SCHEMA_VERSION ? 'run the benchmark again' : 'it takes a newer uncached-io to read it'
  return `${path} is a report of schema version ${version}, this is version ${SCHEMA_VERSION}: ${advice}`
}
