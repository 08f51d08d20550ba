/** Everything that can be chosen by `--only`. */
import { FIO_NAME, FIO_SUMMARY } from '../ceiling/fio.ts'
import { throughputCases } from './cases.ts'
import { IDLE_WRITERS_COUNT } from './idle-writers.ts'
import { EVENT_LOOP, IDLE_WRITERS } from './result.ts'

/** Names with a line for `--help`, in the order of the tables. */
export const names: readonly (readonly [name: string, summary: string])[] = [
  [FIO_NAME, FIO_SUMMARY],
  ...throughputCases.map(({ name, summary }) => [name, summary] as const),
  [EVENT_LOOP, 'delays of timers and of fs.promises.stat beside both engines'],
  [IDLE_WRITERS, `memory of ${IDLE_WRITERS_COUNT} writers that are open and do nothing`],
]
