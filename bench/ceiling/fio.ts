/** fio(1), the measure of what the disk can do: the ceiling. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { getSystemErrorName } from 'node:util'
import { codeOf, firstLine } from '../errors.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import { MIB } from '../units.ts'
import { type FioJob, parseFioOutput } from './fio-output.ts'

/** O_DIRECT: what the ratios refer to. */
export const FIO_NAME = 'fio'

/** What fio is run as. All of them: io_uring, 1 MiB, 4 in flight, preallocated, fsync. */
export interface FioVariant {
  readonly name: string
  /** One line for `--help`. */
  readonly summary: string
  readonly args: readonly string[]
}

export const fioVariants: readonly FioVariant[] = [
  {
    name: FIO_NAME,
    summary: 'io_uring, O_DIRECT, 1 MiB, 4 in flight, preallocated, fsync',
    args: ['--direct=1', '--fixedbufs=1'],
  },
  { name: 'fio-buffered', summary: 'the same through the page cache', args: ['--direct=0'] },
  {
    // fio calls RWF_DONTCACHE by the name that it had as a patch. fio 3.33 has its early number, too: 0x40, which has come to
    // be RWF_ATOMIC, and which file systems refuse for buffered writes.
    name: 'fio-uncached',
    summary: 'the same with uncached=1, if this fio has it by the number that the kernel gave it',
    args: ['--direct=0', '--uncached=1'],
  },
]

export function isFio(subject: string): boolean {
  return fioVariants.some(({ name }) => name === subject)
}

/** One line for `--help`. */
export const FIO_SUMMARY = fioVariants[0]!.summary

/** fio's block. It writes whole blocks only: the rest of a length that is no multiple is allocated, not written. */
const BLOCK_BYTES = MIB

/** What shells understand by default; what a job that is told to end takes to come down is far less. */
const END_PATIENCE_MS = 5000

/** errno names that say "not on this kernel or file system", as against a fault on the way. */
const unsupportedCodes: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EPERM'])

/** A job, and what the whole of fio took. */
export interface FioRun extends FioJob {
  /** CPU of fio with all its processes, its start and its calibration included; `null` where it was not measured. */
  readonly wholeCpuSeconds: number | null
}

/** The arguments of a variant: the ceiling is as much as one process gets out of this file system. */
export function fioArguments(path: string, bytes: number, outputPath: string, variant = FIO_NAME): string[] {
  const { args } = fioVariants.find(({ name }) => name === variant)!
  return [
    `--name=${FIO_NAME}`,
    // In a file's name a colon would separate it from another one.
    `--filename=${path.replaceAll(':', '\\:')}`,
    '--rw=write',
    '--ioengine=io_uring',
    `--bs=${BLOCK_BYTES}`,
    '--iodepth=4',
    ...args,
    '--registerfiles=1',
    '--fallocate=native',
    '--end_fsync=1',
    `--size=${bytes}`,
    '--output-format=json',
    `--output=${outputPath}`,
  ]
}

/**
 * Prints the CPU time of everything it has run. bash has it by the millisecond, other shells by the tick of 10 ms, and
 * Node not at all.
 */
const TIMING_SCRIPT = '"$@"; status=$?; times; exit $status'

/** One run of fio, in processes of its own. */
export class Fio {
  private readonly outputPath: string
  private child: ChildProcess | undefined
  private closed: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly path: string,
    private readonly bytes: number,
    private readonly variant: string = FIO_NAME,
  ) {
    this.outputPath = `${path}.fio.json`
  }

  /**
   * Writes the file.
   *
   * @param whole whether to measure the CPU of the whole of fio as well, which takes bash
   * @throws {UnsupportedError} where there is no fio, or it cannot do this here
   */
  async run(whole: boolean): Promise<FioRun> {
    if (this.bytes < BLOCK_BYTES) throw new UnsupportedError('ERR_TOO_SMALL', 'fio writes whole MiB only')
    const args = fioArguments(this.path, this.bytes, this.outputPath, this.variant)
    try {
      if (whole) await this.spawnToEnd(FIO_NAME, ['--version'])
      const command = whole ? ['bash', '-c', TIMING_SCRIPT, 'bash', FIO_NAME, ...args] : [FIO_NAME, ...args]
      const output = await this.spawnToEnd(command[0]!, command.slice(1))
      return { ...(await this.readOutput()), wholeCpuSeconds: whole ? parseTimes(output) : null }
    } finally {
      await rm(this.outputPath, { force: true })
    }
  }

  /** Ends it, if it has not ended by itself. */
  async end(): Promise<void> {
    // SIGTERM first: fio passes it on to its jobs, which are in sessions of their own.
    this.kill('SIGTERM')
    const killer = setTimeout(() => this.kill('SIGKILL'), END_PATIENCE_MS)
    await this.closed.catch(() => undefined)
    clearTimeout(killer)
  }

  /** To the whole group: the shell around fio would not pass it on. */
  private kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.child ?? {}
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
  }

  /** @returns what it printed. */
  private async spawnToEnd(command: string, args: readonly string[]): Promise<string> {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    this.child = child
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
    this.closed = once(child, 'close')
    try {
      await this.closed
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? notInstalled(command, error) : error
    }
    if (child.exitCode === 0) return texts.stdout
    const output = await readFile(this.outputPath, 'utf8').catch(() => '')
    throw whyFailed(output, texts.stderr, child.signalCode ?? `exit code ${child.exitCode}`)
  }

  private async readOutput(): Promise<FioJob> {
    const job = parseFioOutput(await readFile(this.outputPath, 'utf8'))
    if (!('errno' in job)) return job
    throw jobFailed(job.errno)
  }
}

function jobFailed(errno: number): Error {
  const code = getSystemErrorName(-errno)
  const message = `fio's job failed with ${code}`
  return unsupportedCodes.has(code) ? new UnsupportedError(code, message) : Object.assign(new Error(message), { code })
}

/** The code of a program that is not there; what it says needs no code in front. */
export const NOT_INSTALLED = 'ERR_NOT_INSTALLED'

function notInstalled(command: string, cause: unknown): UnsupportedError {
  return new UnsupportedError(NOT_INSTALLED, `${command} is not installed (Debian: apt-get install ${command})`, {
    cause,
  })
}

function whyFailed(output: string, stderr: string, how: string): Error {
  const job = jobIn(output)
  if (job !== null && 'errno' in job) return jobFailed(job.errno)
  const printed = `${output}${stderr}`.trim()
  // A fio built without io_uring says so and ends, and so does one that has no such option.
  if (/Bad option|not support/i.test(firstLine(printed)))
    return new UnsupportedError('ERR_OPTION_UNSUPPORTED', firstLine(printed))
  if (/engine \S+ not loadable/.test(printed)) return new UnsupportedError('ERR_ENGINE_UNSUPPORTED', firstLine(printed))
  return Object.assign(new Error(`fio ended with ${how}: ${firstLine(printed)}`), { code: 'ERR_PROCESS_ENDED' })
}

/** What is told of the job, if fio came as far as that. */
function jobIn(printed: string): ReturnType<typeof parseFioOutput> | null {
  try {
    return parseFioOutput(printed)
  } catch {
    return null
  }
}

/**
 * Reads what the shell's `times` prints: a line for the shell itself and one for its children, each with user and system
 * time as `0m1.250s`.
 *
 * @returns the seconds of the children.
 */
export function parseTimes(text: string): number {
  const [user, system] = text.trim().split('\n').at(-1)?.split(/\s+/) ?? []
  return parseMinutes(user) + parseMinutes(system)
}

function parseMinutes(text = ''): number {
  const match = /^(\d+)m([\d.]+)s$/.exec(text)
  if (match === null) throw new Error(`'times' gave no time but '${text}'`)
  return Number(match[1]) * 60 + Number(match[2])
}
