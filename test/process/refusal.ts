import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/folders.ts'

// Children to which the system refuses something.

const source = fileURLToPath(new URL('fixtures/refuse.c', import.meta.url))
const tools = ['cc', 'setpriv', 'prlimit']

/** Numbers of system calls, the same on every processor. */
export const callNumbers = { io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427 } as const

export type RingCall = keyof typeof callNumbers

/** Why nothing can be refused here; null when it can. */
export const whyNoRefusal: string | null = reasonAgainst()

function reasonAgainst(): string | null {
  const searched = (process.env.PATH ?? '').split(':')
  const missing = tools.filter((tool) => !searched.some((each) => existsSync(join(each, tool))))
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  return process.getuid?.() === 0 ? null : 'needs root'
}

const folder = temporaryFolder()
let compiled: string | undefined

/** Runs what follows without a system call: it fails with `errno`. */
export function refusing(call: RingCall, errno: number): string[] {
  if (compiled === undefined) {
    const program = join(folder, 'refuse')
    execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, source], { stdio: 'pipe' })
    compiled = program
  }
  return [compiled, `${callNumbers[call]}:${errno}`, '--']
}

/** Runs what follows with so much memory to lock, and without the right to lock more. */
export function withLockedMemory(bytes: number): string[] {
  return ['setpriv', '--bounding-set', '-ipc_lock', 'prlimit', `--memlock=${bytes}:${bytes}`]
}

/** Runs what follows with a limit on the length of files. */
export function withFileSize(bytes: number): string[] {
  return ['prlimit', `--fsize=${bytes}:${bytes}`]
}

/** Runs what follows with a limit on open files. */
export function withOpenFiles(count: number): string[] {
  return ['prlimit', `--nofile=${count}:${count}`]
}
