/** The command `write` at the end of a pipe, as in `tar c . | uncached-io write FILE`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { packageFolder } from '../package.ts'
import { subjectNamed } from '../subjects/index.ts'
import { requireStrategy } from '../subjects/strategies.ts'
import type { ThroughputCase } from './cases.ts'

// Both are programs of their own, so what was built is run, also from the sources.
const command = join(packageFolder, 'dist/cli.js')
const fillPipe = join(packageFolder, 'out/bench/device/fill-pipe.js')

/** The shell connects them by a pipe; a child's standard input is a socket when Node makes it. */
const pipeline = '"$1" "$2" "$4" | "$1" "$3" write --strategy direct --require --sync -- "$5"'

export const commandCase: ThroughputCase = {
  name: 'write-command',
  summary: 'a pipe into the command write, started for it, with --sync',
  content: 'large',
  cached: false,
  prepare() {
    return {
      async write(path, bytes) {
        const shell = spawn('sh', ['-c', pipeline, 'sh', process.execPath, fillPipe, command, String(bytes), path], {
          stdio: ['ignore', 'ignore', 'pipe'],
        })
        let complaint = ''
        shell.stderr.on('data', (text: Buffer) => (complaint += text.toString()))
        const [code] = (await once(shell, 'close')) as [number | null]
        // The shell's code is that of the second program only; the first one would complain.
        if (code !== 0 || complaint !== '') {
          await requireStrategy(subjectNamed('direct'), dirname(path))
          throw new Error(`write ended with ${code}: ${complaint.trim()}`)
        }
        // The length of the file is checked with its content.
        return { bytes, bufferBytes: null }
      },
    }
  },
}
