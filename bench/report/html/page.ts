/** A report as one page: no network, no scripts needed to read it. */
import { createHash } from 'node:crypto'
import type { Report } from '../../schema/report.ts'
import { formatBytes, formatSeconds } from '../../units.ts'
import { type Group, groupsOf } from '../groups.ts'
import { measureNamed } from '../measures.ts'
import { chartsOf, type Names } from './charts.ts'
import { style, themeScript } from './style.ts'
import { comparisonTable, environmentTable, groupTables, matrixTable, sweepTables } from './tables.ts'
import { type Html, html, trusted } from './template.ts'

const situationTitles = {
  alone: '',
  neighbour: ', beside a neighbour',
  'neighbour-throttled': ', beside a neighbour, throttled',
} as const

/** Nothing is fetched, and no script runs but the one that switches between light and dark. */
const policy =
  `default-src 'none'; style-src 'unsafe-inline'; script-src ` +
  `'sha256-${createHash('sha256').update(themeScript).digest('base64')}'`

/** @returns the whole page, made from the report alone */
export async function htmlPage(report: Report): Promise<string> {
  // In a sweep a subject has many settings, which only a table of its own keeps apart.
  const isSweep = report.runs.some(({ point }) => point !== null)
  const groups = isSweep ? [] : groupsOf(report)
  const names = [...new Set(report.workloads.flatMap(({ subjects }) => subjects))]
  const sections: Html[] = []
  for (const group of groups) sections.push(await groupSection(group, names))
  const title = `uncached-io benchmark, ${report.startedAt.slice(0, 10)}`
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title><style>${trusted(style)}</style></head>
<body><main><button type="button">light / dark</button>
<h1>${title}</h1>
<p class="muted">${whereText(report)}</p>
${brokenBox(report)}
${report.summary.length > 0 && html`<div class="summary">${report.summary.map((sentence) => html`<p>${sentence}</p>`)}</div>`}
${sections}
${isSweep && html`<h2>Sweep: block size and blocks in flight</h2>${sweepTables(report.runs)}`}
${report.places.length > 0 && html`<h2>What works where</h2>${matrixTable(report.places)}`}
${driftSection(report)}
${report.comparisons.length > 0 && html`<h2>All comparisons</h2><details><summary>${report.comparisons.length} ratios</summary>${comparisonTable(report.comparisons)}</details>`}
<h2>Environment</h2>${environmentTable(report)}
${howToRead(report)}
</main><script>${trusted(themeScript)}</script></body></html>
`.text
}

function whereText({ environment, seconds, roundsDone, roundsAsked, profile, stoppedBy }: Report): string {
  const { packageVersion, node, kernel, cpuCount, cpuModel, memoryBytes, fileSystemType, device } = environment
  const asked = roundsDone === roundsAsked ? '' : ` of ${roundsAsked}`
  const rounds = `${roundsDone}${asked} ${roundsAsked === 1 ? 'round' : 'rounds'}`
  return (
    `uncached-io ${packageVersion}, Node ${node}, ${kernel}, ${cpuCount} CPUs (${cpuModel}), ${formatBytes(memoryBytes)} ` +
    `memory, ${fileSystemType ?? 'an unknown file system'} on ${device ?? 'an unknown device'}. Profile ${profile}, ${rounds} ` +
    `in ${formatSeconds(seconds)}${stoppedBy === 'signal' ? ', interrupted' : ''}.`
  )
}

function brokenBox({ brokenClaims, places }: Report): Html | null {
  const lines = [
    ...brokenClaims.map(
      ({ subject, workload, situation, what }) => `${subject} on ${workload}${situationTitles[situation]} ${what}`,
    ),
    ...places.flatMap(({ name, brokenClaims: broken }) =>
      broken.map(({ subject, what }) => `${name}: ${subject} ${what}`),
    ),
  ]
  if (lines.length === 0) return null
  return html`<div class="box broken" role="alert"><strong>Said to be uncached, and is not</strong>
<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul></div>`
}

async function groupSection(group: Group, names: Names): Promise<Html> {
  const { workload, situation, rounds, rows } = group
  const charts = await chartsOf(group, names)
  const failures = rows.filter(({ runs, notRun }) => runs.length > 0 && notRun !== null)
  return html`<section><h2>${workload.name}${situationTitles[situation]}</h2>
<p class="muted">${formatBytes(workload.bytes)} in ${workload.summary}; ${rounds === 1 ? '1 round' : `medians of ${rounds} rounds`}.</p>
<div class="charts">${charts}</div>${groupTables(group)}
${failures.map(({ subject, notRun }) => html`<p class="broken">${subject}: round ${notRun?.round} failed: ${notRun?.message}</p>`)}
</section>`
}

function driftSection({ drifts }: Report): Html | null {
  if (drifts.length === 0) return null
  const lines = drifts.map(({ workload, situation, measure, change }) => {
    const percent = `${(Math.abs(change) * 100).toFixed(0)} %`
    return `${measureNamed(measure).label} on ${workload}${situationTitles[situation]} ${change > 0 ? 'rose' : 'fell'} by ${percent} from the first round to the last`
  })
  return html`<h2>Drift</h2><ul class="broken">${lines.map((line) => html`<li>${line}</li>`)}</ul>`
}

function howToRead({ environment, baseline }: Report): Html {
  const notPermitted = typeof environment.memoryCgroup === 'string' ? environment.memoryCgroup : null
  return html`<h2>How to read this page</h2><ul>
<li><strong>direct</strong> writes with O_DIRECT, past the page cache. <strong>dontcache</strong> writes through it and lets the kernel drop the pages (RWF_DONTCACHE, Linux 6.14). <strong>evict</strong> writes through it and drops them itself. <strong>buffered</strong> leaves them there, as do the others.</li>
<li>Every time includes the fsync. Rounds are interleaved, each run is a process of its own in a memory cgroup of its own, and writes a little to another file before the clock starts.</li>
<li>Cache is what of the file is in the page cache, sampled every 20 ms: peaks are lower bounds. Charged memory is what the cgroup pays for: cache is container_memory_cache, working set container_memory_working_set_bytes, usage container_memory_usage_bytes.</li>
<li>The neighbour reads its own hot data at random under a memory limit that it shares with the writer; no-writer is what it feels when nobody writes. Reads that a stall kept from being made count as well.</li>
<li>Ratios are taken round by round, against ${baseline}. + better, - worse: the whole interval of 95 % is on that side of 1. =: no difference shown. ?: fewer than five rounds, or too noisy. Many ratios are looked at: one in twenty intervals misses.</li>
<li>CPU is that of the writing process; kernel threads are those of the whole machine. Interrupts are in neither.</li>
${notPermitted !== null && html`<li>Charged memory is not permitted here: ${notPermitted}.</li>`}
</ul>`
}
