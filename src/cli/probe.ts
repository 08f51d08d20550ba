import type { EngineFinding } from '../engine.ts'
import { isUncached } from '../folder-findings.ts'
import { type ProbeReport, probe } from '../probe.ts'
import type { FeatureFinding } from '../probe-features.ts'
import type { StrategyFinding } from '../probe-strategy.ts'
import { strategies } from '../strategy.ts'
import { showSize } from './size.ts'
import { forEach, parse } from './usage.ts'

/** Tries folders out and shows what was found. */
export async function probeFolders(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: 'boolean', default: false } })
  const reports: ProbeReport[] = []
  const code = await forEach(positionals, 'folder', async (folder) => {
    const report = await probe(folder, { fresh: true })
    reports.push(report)
    if (!values.json) process.stdout.write(`${reports.length === 1 ? '' : '\n'}${shown(report)}`)
  })
  // One folder gives one report, for `jq .recommended`.
  const result = positionals.length === 1 ? reports[0] : reports
  if (values.json && reports.length > 0) process.stdout.write(`${JSON.stringify(result, withoutCauses, 2)}\n`)
  return code
}

/** The cause of a finding is an Error, of which JSON has nothing. */
function withoutCauses(name: string, value: unknown): unknown {
  return name === 'cause' ? undefined : value
}

function shown(report: ProbeReport): string {
  const { alignment, features } = report
  const lines: [name: string, value: string][] = [
    ['file system', report.fileSystem.name],
    ...strategies.map((name): [string, string] => [name, strategyShown(report.strategies[name])]),
    ['recommended', report.recommended],
    [
      'alignment',
      alignment === null
        ? 'direct I/O is not possible'
        : `${alignment.offset} bytes in the file, ${alignment.memory} in memory (${alignment.source})`,
    ],
    ['direct write', featureShown(features.directWrite)],
    ['odd tail', featureShown(features.oddTail)],
    ['RWF_DONTCACHE', featureShown(features.dontcache)],
    ['dropping', featureShown(features.dropping)],
    ['preallocation', featureShown(features.preallocation)],
    ['io_uring', featureShown(report.engines.io_uring)],
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  return `${report.folder}\n${lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')}`
}

function strategyShown(finding: StrategyFinding): string {
  if (!finding.works) return `not possible: ${finding.reason} (${finding.code})`
  if (isUncached(finding))
    return `works, left nothing in the page cache (at most ${showSize(finding.peakBytes)} while writing)`
  return `works through the page cache: ${'reason' in finding ? finding.reason : ''}`
}

function featureShown(finding: FeatureFinding | EngineFinding): string {
  return finding.works ? 'works' : `${finding.reason} (${finding.code})`
}
