/** What is printed of a comparison. */
import { type Column, layOut, wrap } from '../report/table.ts'
import { styled, WIDTH_MAX } from '../report/terminal.ts'
import type { Verdict } from '../schema/report.ts'
import { type Change, type Changes, nameOf } from './changes.ts'

const columns: readonly Column[] = [
  { heading: [''], align: 'left' },
  { heading: ['what'], align: 'left' },
  { heading: ['measure'], align: 'left' },
  { heading: ['new/old'], align: 'right' },
  { heading: ['interval'], align: 'right' },
]

export function changeLines(
  { changes, newlyBroken, onlyOld, onlyNew }: Changes,
  differences: readonly string[],
  colour: boolean,
): string[] {
  const of = (verdict: Verdict) => changes.filter((change) => change.verdict === verdict)
  const count = (verdict: Verdict) => `${of(verdict).length}`
  return [
    ...differences.flatMap((text) => wrap(`Hard to compare: ${text}.`, WIDTH_MAX)),
    ...(differences.length === 0 ? [] : ['']),
    ...newlyBroken.map((claim) => styled(`! ${nameOf(claim)} ${claim.what}; it did not before`, 'red', colour)),
    ...tableOf('worse', of('worse'), colour),
    ...tableOf('better', of('better'), null),
    ...onlyIn('Only in the old report', onlyOld),
    ...onlyIn('Only in the new report', onlyNew),
    ...wrap(
      `${changes.length} ratios: ${count('worse')} worse, ${count('better')} better, ${count('no-difference')} without a ` +
        `difference shown, ${count('too-noisy')} too noisy, ${count('too-few-rounds')} of too few rounds.`,
      WIDTH_MAX,
    ),
  ]
}

/** @param colour `null` where there is nothing to be red about */
function tableOf(verdict: Verdict, changes: readonly Change[], colour: boolean | null): string[] {
  if (changes.length === 0) return []
  const rows = changes.map((change) => ({
    cells: [
      verdict,
      nameOf(change),
      change.measure.label,
      `${change.ratio.median.toFixed(2)}x`,
      `${change.ratio.low.toFixed(2)}-${change.ratio.high.toFixed(2)}`,
    ],
  }))
  const table = layOut(columns, rows, WIDTH_MAX)
  return [
    ...table.heading.map((line) => styled(line, 'dim', colour ?? false)),
    ...table.rows.flat().map((line) => styled(line, 'red', colour ?? false)),
    '',
  ]
}

function onlyIn(title: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [...wrap(`${title}: ${names.join('; ')}.`, WIDTH_MAX), '']
}
