import { constants } from 'node:fs'
import { binding, type NativeFile } from '../../src/binding.ts'
import { throughRing } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

/** The folder of the test file that imports this. */
export const folder = temporaryFolder()

export const readWrite = constants.O_RDWR | constants.O_CREAT

/** The system call that a write by this run's engine fails in. */
export const writeCall = throughRing ? 'io_uring_enter' : 'pwritev2'

/** Opens a new file with the addon, gives it to `work`, closes it. */
export async function opened<T>(flags: number, work: (file: NativeFile, path: string) => Promise<T>): Promise<T> {
  const path = freshPath(folder)
  const file = await binding().open(path, flags, 0o600)
  try {
    return await work(file, path)
  } finally {
    await file.close()
  }
}

/** What `work` throws at once, without a promise. */
export function caught(work: () => unknown): NodeJS.ErrnoException {
  try {
    work()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('nothing was thrown')
}
