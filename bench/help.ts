import { fioVariants } from './ceiling/fio.ts'
import { shippedProfiles } from './profile.ts'
import { wrap } from './report/table.ts'
import type { Subject } from './subjects/subject.ts'
import { formatBytes } from './units.ts'
import type { Workload } from './workloads/workload.ts'

/** The text of `--help`, at most 100 columns wide. */
export function helpText(subjects: readonly Subject[], workloads: readonly Workload[]): string {
  return `Usage: npm run bench -- [options]
       npm run bench -- --compare OLD.json NEW.json

Writes files with every subject, for real, and shows what that does to the page cache, memory,
CPU, time, the disk, and a neighbour that reads. Needs Linux and free disk space; no root, but
without it most machines permit no memory cgroup. Takes under 8 minutes.

What to do
  --profile NAME|FILE what to run, as JSON: one of ${shippedProfiles().join(', ')} (bench/profiles),
                      or a file of your own; options beside it count more than what it says
  --quick             the profile 'quick': under 60 seconds, too few rounds for verdicts
  --sweep             the workload 'large' by block size and by blocks in flight
  --matrix            on ext4, xfs and btrfs with 512- and 4096-byte sectors, tmpfs and overlayfs,
                      made on loop devices and removed again; needs root
  --compare OLD NEW   what got better or worse between two reports of --json; exit code 1 on a
                      regression
  --ceiling           run fio beside them, as the ceiling, and show everybody's ratio to it

How much
  --dir DIR           write in a sub-folder of DIR (default: a temporary folder beside the project);
                      it is removed afterwards, also on Ctrl-C
  --bytes SIZE        length of every file, such as 1GiB or 256MiB
  --rounds N          how often everything runs; a number given here is kept whatever it takes
  --subjects A,B      only these
  --workloads A,B     only these
  --situations A,B    alone, neighbour (it shares a memory limit with the writer),
                      neighbour-throttled (all writers held to one rate)

Output
  --json FILE         every run and everything computed from them; bench/schema/report.schema.json
  --html FILE         one page with charts, for people; it needs no network
  --textfile FILE     Prometheus metrics for node_exporter's textfile collector; ends in .prom
  --metrics-port N    serve them while it runs, on http://127.0.0.1:N/metrics; 0 is any port
  --help              this text

Subjects
${list([...subjects, ...fioVariants.map(({ name, summary }) => ({ name, summary: `${summary}; with --ceiling` }))])}

Workloads
${list(workloads.map((workload) => ({ name: workload.name, summary: describe(workload) })))}

Exit code: 0, also when a subject is not possible here (its row says so); 1 when a run failed or
could not begin, or there is a regression; 2 for a mistake on the command line; 130 after Ctrl-C.
`
}

function describe({ summary, defaultBytes, situations }: Workload): string {
  return `${summary}; ${formatBytes(defaultBytes)} unless the profile says; ${situations.join(', ')}`
}

const HELP_WIDTH = 100

/** Names with their texts beside them. */
export function list(rows: readonly { readonly name: string; readonly summary: string }[]): string {
  const nameWidth = Math.max(...rows.map(({ name }) => name.length))
  const indent = ' '.repeat(nameWidth + 4)
  return rows
    .map(({ name, summary }) => {
      const lines = wrap(summary, HELP_WIDTH - indent.length)
      return `  ${name.padEnd(nameWidth)}  ${lines.join(`\n${indent}`)}`
    })
    .join('\n')
}
