import { FIO_NAME, FIO_SUMMARY } from './ceiling/fio.ts'
import type { Subject } from './subjects/subject.ts'
import { formatBytes } from './units.ts'
import type { Workload } from './workloads/workload.ts'

/** The text of `--help`, at most 100 columns wide. */
export function helpText(subjects: readonly Subject[], workloads: readonly Workload[]): string {
  return `Usage: npm run bench -- [options]

Writes files with every subject, for real, and shows what that does to the page cache, CPU and time.
Needs Linux and free disk space for one file; no root. Takes under 6 minutes.

Options
  --quick             smaller files and fewer rounds: under 60 seconds
  --dir DIR           write in a sub-folder of DIR (default: a temporary folder beside the project);
                      it is removed afterwards, also on Ctrl-C
  --bytes SIZE        length of every file, such as 1GiB or 256MiB (default: see the workloads)
  --rounds N          how often everything runs (default: 5, or 3 with --quick, or as many as fit
                      into the time; a number given here is kept whatever it takes)
  --subjects A,B      only these
  --workloads A,B     only these
  --ceiling           run ${FIO_NAME} beside them, as the ceiling, and show everybody's ratio to it
  --json FILE         also write every single run to FILE
  --help              this text

Subjects
${list([...subjects.map(({ name, summary }) => [name, summary] as const), [FIO_NAME, `${FIO_SUMMARY}; with --ceiling`]])}

Workloads
${list(workloads.map((workload) => [workload.name, describe(workload)]))}

Exit code: 0, also when a subject is not possible here (its row says so); 1 when a run failed or
could not begin; 2 for a mistake on the command line; 130 after Ctrl-C.
`
}

function describe({ summary, defaultBytes, quickBytes }: Workload): string {
  return `${summary}; ${formatBytes(defaultBytes)}, ${formatBytes(quickBytes)} with --quick`
}

/** Names with their texts beside them. */
export function list(rows: readonly (readonly [name: string, text: string])[]): string {
  const nameWidth = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(nameWidth)}  ${text}`).join('\n')
}
