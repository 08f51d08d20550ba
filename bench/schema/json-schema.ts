import { z } from 'zod'
import { reportSchema, SCHEMA_VERSION } from './report.ts'

/** The report's form for programs that are not written in TypeScript. */
export function reportJsonSchema(): object {
  return {
    title: `Report of the uncached-io benchmark, version ${SCHEMA_VERSION}`,
    ...z.toJSONSchema(reportSchema, { io: 'output' }),
  }
}
