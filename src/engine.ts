import { type Binding, binding } from './binding.ts'
import { argumentError, codeOf, UncachedIOError } from './errors.ts'

/** What brings writes to the kernel: io_uring, one ring for all writers of a thread, or threads of the package. */
export type Engine = 'io_uring' | 'threads'

export const engines: readonly Engine[] = ['io_uring', 'threads']

/** What came of trying an engine. */
export type EngineFinding =
  | { readonly works: true }
  | { readonly works: false; readonly code: string; readonly reason: string; readonly cause: unknown }

/** Short of something for the moment: worth another try with the next writer. All else stays as it is. */
const passing = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

const found = new WeakMap<Binding, EngineFinding>()

/** Whether io_uring can be used by this thread: decided by setting it up, once. */
export function tryRing(native: Binding): EngineFinding {
  const known = found.get(native)
  if (known !== undefined) return known
  let finding: EngineFinding = { works: true }
  try {
    native.startRing()
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    finding = { works: false, code, reason: reasonOf(error), cause: error }
    if (passing.has(finding.code)) return finding
  }
  found.set(native, finding)
  return finding
}

/** Whether the ring of this thread has been set up. */
export function ringRuns(): boolean {
  return found.get(binding())?.works === true
}

/**
 * The engine for a writer.
 *
 * @throws {UncachedIOError} ERR_ENGINE_UNSUPPORTED when `io_uring` is asked for and can't be used
 */
export function engineFor(asked: 'auto' | Engine, native: Binding): Engine {
  const wanted = asked === 'auto' ? fromEnvironment() : asked
  if (wanted === 'threads') return 'threads'
  const finding = tryRing(native)
  if (finding.works) return 'io_uring'
  if (wanted === 'auto') return 'threads'
  throw new UncachedIOError('ERR_ENGINE_UNSUPPORTED', `io_uring can't be used here: ${finding.reason}`, {
    syscall: 'io_uring_setup',
    cause: finding.cause,
  })
}

/** What `auto` means in this process. Read anew each time: tests and wrappers set it late. */
function fromEnvironment(): 'auto' | Engine {
  const value = process.env.UNCACHED_IO_ENGINE
  if (value === undefined || value === '') return 'auto'
  if (value === 'auto' || value === 'io_uring' || value === 'threads') return value
  throw argumentError(
    'ERR_INVALID_ARG_VALUE',
    `UNCACHED_IO_ENGINE must be auto, ${engines.join(' or ')}, not '${value}'`,
  )
}

/** What most often stands behind an error of io_uring_setup. */
const hints: Readonly<Record<string, string>> = {
  EPERM: 'a seccomp profile, as containers have by default, or kernel.io_uring_disabled',
  ENOSYS: 'the kernel is older than 5.12, has no io_uring, or a seccomp profile hides it',
  EMFILE: 'the limit on open files',
  ENOMEM: 'the limit on locked memory, RLIMIT_MEMLOCK, or on the memory of the cgroup',
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const hint = hints[codeOf(error) ?? '']
  return hint === undefined ? message : `${message} (${hint})`
}
