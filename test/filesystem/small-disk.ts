import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll } from 'vitest'
import { type FileSystem, mounted } from './file-systems.ts'

/** A small ext4 to be filled up. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all space but `leftBytes`. */
  takeSpace(leftBytes: number): void
  /** Gives back what was taken. */
  giveSpace(): void
}

/** For the tests of the `describe` that it is called in: mounted before the first one, emptied after each. */
export function smallDisk(): SmallDisk {
  let fileSystem: FileSystem
  beforeAll(() => {
    fileSystem = mounted('ext4', { mebibytes: 16 })
    return () => fileSystem.remove()
  })
  // A test that fails half-way must not fail those behind it.
  afterEach(() => {
    for (const name of readdirSync(fileSystem.folder)) {
      if (name !== 'lost+found') rmSync(join(fileSystem.folder, name), { recursive: true })
    }
  })
  const ballast = () => join(fileSystem.folder, 'ballast')
  return {
    get folder() {
      return fileSystem.folder
    },
    takeSpace(leftBytes) {
      const { bavail, bsize } = statfsSync(fileSystem.folder)
      writeFileSync(ballast(), new Uint8Array(bavail * bsize - leftBytes), { flush: true })
    },
    giveSpace() {
      rmSync(ballast())
    },
  }
}
