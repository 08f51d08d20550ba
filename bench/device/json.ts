import type { Environment } from '../schema/environment.ts'
import type { DeviceOptions } from './options.ts'
import type { DeviceResults } from './result.ts'
import { findingsOf, verdictOf } from './targets.ts'

/** Changes when a reader of the old form would misread the new one. */
const SCHEMA_VERSION = 1

/** Every run, and what became of the targets. */
export function deviceJson(environment: Environment, { pairs, bytes }: DeviceOptions, results: DeviceResults) {
  const targets = findingsOf(results).map((finding) => {
    const { target, figure, limit, should, text } = finding
    return { target, figure, limit, should, text, verdict: verdictOf(finding) }
  })
  return { schemaVersion: SCHEMA_VERSION, environment, pairs, bytes, ...results, targets }
}

export type DeviceJson = ReturnType<typeof deviceJson>
