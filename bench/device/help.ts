import { list } from '../help.ts'
import { names } from './names.ts'

/** The text of `--help`, at most 100 columns wide. */
export function deviceHelpText(): string {
  return `Usage: npm run bench:device -- [options]

Compares the direct writer with fio, for real: how much of the disk's speed a Node program gets, and
what that costs in CPU, memory and delays of the event loop. Needs Linux, fio (Debian: apt-get
install fio) and free disk space for two files; no root. Takes about 10 minutes.

Options
  --pairs N           how often everything runs beside fio (default: 7)
  --size SIZE         length of every file, from 64MiB on (default: 2GiB)
  --dir DIR           write in a sub-folder of DIR (default: a temporary folder beside the project);
                      it is removed afterwards, also on Ctrl-C
  --only A,B          only these; without ${names[0]?.[0]} there is nothing to compare with
  --json FILE         also write every single run, and the targets, to FILE
  --help              this text

Names
${list(names.map(([name, summary]) => ({ name, summary })))}

Exit code: 0, also when a target is missed; 1 when a run failed or could not begin; 2 for a mistake
on the command line; 130 after Ctrl-C.
`
}
