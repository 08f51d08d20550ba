import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import { ReportError, readReport } from '../../bench/report/read-report.ts'
import { reportJsonSchema } from '../../bench/schema/json-schema.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { plausibleReport } from './reports.ts'

const folder = temporaryFolder()

function file(content: unknown): string {
  const path = freshPath(folder, 'report.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('readReport', () => {
  it('reads what was written', async () => {
    const report = plausibleReport()
    expect(await readReport(file(report))).toEqual(report)
  })

  it.each([
    ['{', 'is not JSON'],
    [{}, 'is no report of this benchmark'],
    [[], 'is no report of this benchmark'],
    [{ schemaVersion: 1, runs: [] }, 'is a report of schema version 1, this is version 2: run the benchmark again'],
    [{ schemaVersion: 3 }, 'is a report of schema version 3, this is version 2: it takes a newer uncached-io'],
    [{ ...plausibleReport(), seconds: 'many' }, 'seconds'],
    [{ ...plausibleReport(), speed: 1 }, 'Unrecognized key: "speed"'],
  ])('refuses %j', async (content, message) => {
    const error: unknown = await readReport(file(content)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ReportError)
    expect((error as ReportError).message).toContain(message)
  })

  it('says when it cannot be read', async () => {
    await expect(readReport('/no/such/file')).rejects.toThrow('/no/such/file cannot be read (ENOENT)')
    await expect(readReport(folder)).rejects.toThrow('cannot be read (EISDIR)')
  })
})

describe('the JSON Schema', () => {
  it('is the one that is written in the project: npm run bench:schema', () => {
    const written: unknown = JSON.parse(readFileSync(join(packageFolder, 'bench/schema/report.schema.json'), 'utf8'))
    expect(written).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())))
  })
})
