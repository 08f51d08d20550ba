/** A disk on which calls of the package fail. */
import type { NativeFile } from '../../../src/binding.ts'
import { kernelError } from '../../support/faults.ts'
import { replaceCalls } from '../wal/package-faults.ts'

type Call = 'pwrite' | 'fallocate' | 'ftruncate' | 'fdatasync'

/** A disk for the files that a test opens behind its making. Calls fail from one on, until it is mended. */
export class BadDisk {
  private callsLeft = Infinity

  constructor(
    kinds: readonly Call[],
    private readonly error: (call: string) => Error,
  ) {
    const replaced = kinds.map((name) => {
      const fault = async (real: NativeFile, ...parameters: unknown[]): Promise<unknown> => {
        this.count(name)
        return await (real[name] as (...all: unknown[]) => Promise<unknown>)(...parameters)
      }
      return [name, fault]
    })
    replaceCalls(Object.fromEntries(replaced) as Parameters<typeof replaceCalls>[0])
  }

  /** So many calls go well, and none behind them. */
  failAfter(callsLeft: number): void {
    this.callsLeft = callsLeft
  }

  mend(): void {
    this.callsLeft = Infinity
  }

  private count(name: string): void {
    if (this.callsLeft === 0) throw this.error(name)
    this.callsLeft--
  }
}

/** It has no space left, to be seen by these calls. */
export function fullDisk(kinds: readonly Call[] = ['pwrite', 'fallocate']): BadDisk {
  return new BadDisk(kinds, (call) => kernelError('ENOSPC', 28, call))
}

/** Whatever is called fails for good. */
export function brokenDisk(): BadDisk {
  return new BadDisk(['pwrite', 'fallocate', 'ftruncate', 'fdatasync'], (call) => kernelError('EIO', 5, call))
}
