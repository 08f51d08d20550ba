import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, everyStrategy, expectFile, openUsual } from './tools.ts'

const mebibyte = 1024 * 1024
const isRoot = process.geteuid?.() === 0

describe.skipIf(!isRoot && process.env.CI !== 'true')('on a disk of 32 MiB (needs root, to mount one)', () => {
  const folder = temporaryFolder()
  const mounted = temporaryFolder()
  if (isRoot) {
    const image = `${folder}/disk`
    writeFileSync(image, '')
    execFileSync('truncate', ['-s', '32M', image])
    execFileSync('mkfs.ext4', ['-q', '-F', image])
    execFileSync('mount', ['-o', 'loop', image, mounted])
    afterAll(() => execFileSync('umount', [mounted]))
    // What one test leaves must not fill the disk of the next.
    afterEach(() => {
      for (const name of readdirSync(mounted)) rmSync(`${mounted}/${name}`, { recursive: true })
    })
  }

  describe.each(everyStrategy)('%s', (strategy) => {
    it('does not leave a file behind that it could not preallocate', async () => {
      const path = freshPath(mounted)
      expect(await codeFrom(() => openUsual(path, strategy, { preallocate: 64 * mebibyte }))).toBe('ENOSPC')
      expect(existsSync(path)).toBe(false)
    })

    it.each(['w', 'a', 'r+'] as const)("does not change a file that it could not preallocate ('%s')", async (flags) => {
      const path = freshPath(mounted)
      writeFileSync(path, someBytes(5000))
      const before = statSync(path).blocks
      const opening = () => openUsual(path, strategy, { flags, preallocate: 64 * mebibyte })
      expect(await codeFrom(opening)).toBe('ENOSPC')
      expectFile(path, someBytes(5000))
      execFileSync('sync', [path])
      expect(statSync(path).blocks).toBeLessThanOrEqual(Math.max(before, 16))
    })
  })
})
