import { execFileSync } from 'node:child_process'

/** Why strace can't be used here; null when it can. */
export function reasonAgainstStrace(): string | null {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'needs strace' : 'needs permission to trace'
  }
}
