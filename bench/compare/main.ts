/** `npm run bench -- --compare OLD.json NEW.json`: what got better or worse; made for CI. */
import { UsageError } from '../arguments.ts'
import { EXIT_FAILED, print, useColour } from '../command.ts'
import { ReportError, readReport } from '../report/read-report.ts'
import type { Report } from '../schema/report.ts'
import { compareReports } from './changes.ts'
import { differences } from './environments.ts'
import { changeLines } from './lines.ts'

export const COMPARE_OPTION = '--compare'

/**
 * @param args what stands behind the option: two paths
 * @returns the exit code: 1 when something got worse, or a claim about the page cache is not kept any more
 * @throws {UsageError} when these are not two reports: CI can tell that from a regression
 */
export async function compareMain(args: readonly string[]): Promise<number> {
  const [oldPath, newPath, ...others] = args
  if (oldPath === undefined || newPath === undefined || others.length > 0) {
    throw new UsageError(`${COMPARE_OPTION} takes two reports: ${COMPARE_OPTION} OLD.json NEW.json`)
  }
  const [older, newer] = [await read(oldPath), await read(newPath)]
  const changes = compareReports(older, newer)
  if (changes.changes.length === 0) {
    // Nothing got worse, but nothing was looked at either.
    throw new UsageError(`${COMPARE_OPTION}: the two reports have no run in common`)
  }
  print(changeLines(changes, differences(older, newer), useColour()))
  const isWorse = changes.newlyBroken.length > 0 || changes.changes.some(({ verdict }) => verdict === 'worse')
  return isWorse ? EXIT_FAILED : 0
}

async function read(path: string): Promise<Report> {
  try {
    return await readReport(path)
  } catch (error) {
    throw error instanceof ReportError ? new UsageError(`${COMPARE_OPTION}: ${error.message}`, { cause: error }) : error
  }
}
