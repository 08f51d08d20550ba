import { execFileSync } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { openWriter } from '../../src/index.ts'
import { alignedBytes } from '../support/bytes.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { expectMode } from '../support/mode.ts'
import { demandFileSystemsInCI, type FileSystem, mounted, named, whyNot } from './file-systems.ts'

demandFileSystemsInCI()

describe.skipIf(whyNot !== null).each(enginesHere())(named('what %s wrote'), (engine) => {
  let fileSystem: FileSystem
  beforeEach(() => {
    expectEngine(engine)
    fileSystem = mounted('ext4', { mebibytes: 64 })
  })
  afterEach(() => fileSystem.remove())

  /** At the first attempt: whatever still held a file would make it fail. */
  const unmount = (): void => void execFileSync('umount', [fileSystem.folder], { stdio: 'pipe' })

  test.each(['direct', 'evict', 'buffered'] as const)('%s is held by nothing after end', async (strategy) => {
    for (let i = 0; i < 5; i++) {
      const path = join(fileSystem.folder, `file-${i}`)
      const writer = await openWriter(path, { strategy, engine })
      expectMode(writer, strategy)
      const content = alignedBytes((4 << 20) + 1000, i)
      await writer.write(content)
      await writer.end()
      expect(Buffer.compare(readFileSync(path), content)).toBe(0)
    }
    unmount()
  })

  test('is held by nothing after a failure, or after the next file of the writer', async () => {
    const failed = await openWriter(join(fileSystem.folder, 'failed'), { engine })
    await failed.write(alignedBytes(4 << 20))
    failed.fail()
    await failed[Symbol.asyncDispose]()
    const moved = await openWriter(join(fileSystem.folder, 'first'), { engine })
    await moved.write(alignedBytes(4 << 20))
    await moved.reset(join(fileSystem.folder, 'second'))
    await moved.end()
    unmount()
  })

  test('is held by the file while that is open, and no longer', async () => {
    const native = binding()
    if (engine === 'io_uring') native.startRing()
    const path = join(fileSystem.folder, 'file')
    const file = await native.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT, 0o600)
    await file.pwrite(alignedBytes(4096), 0, 4096, 0, 0, engine === 'io_uring')
    expect(unmount).toThrow('busy')
    await file.close()
    unmount()
  })
})
