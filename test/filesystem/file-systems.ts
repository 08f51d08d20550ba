import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import {
  type FileSystem,
  type FileSystemOptions,
  type Kind,
  makeFileSystem,
  run,
  whyNoFileSystems,
} from '../../bench/matrix/loop-file-systems.ts'

export type { FileSystem, FileSystemOptions, Kind }

/** What a killed test run left, the next one removes. */
const site = { dir: tmpdir(), prefix: 'uncached-io-mount-' }

/** Why file systems can't be made here; null when they can. */
export const whyNot: string | null = whyNoFileSystems()

/** The name of a group of tests, with the reason for which it does not run. */
export function named(name: string): string {
  return whyNot === null ? name : `${name} (skipped: ${whyNot})`
}

/** With CI=true nothing may be skipped: a test that fails instead. */
export function demandFileSystemsInCI(): void {
  test('file systems can be made here, or nobody demands it', () => {
    if (process.env.CI === 'true') expect(whyNot).toBeNull()
  })
}

/** Makes and mounts a file system. To be removed however the tests end. */
export function mounted(kind: Kind, options: FileSystemOptions = {}): FileSystem {
  return makeFileSystem(kind, site, options)
}

/** Unmounts and mounts it again, so that it replays its log. The device lives as long as somebody has it open. */
export function mountAgain(folder: string): void {
  const device = run('findmnt', '-no', 'SOURCE', folder).trim()
  const held = openSync(device, 'r')
  try {
    run('umount', folder)
    run('mount', device, folder)
  } finally {
    closeSync(held)
  }
}
