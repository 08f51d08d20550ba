import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { type OpenWriterOptions, openWriter } from '../../src/index.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, errorFrom, everyStrategy, expectFile, openSmall, openUsual } from './tools.ts'

const folder = temporaryFolder()
const isRoot = process.geteuid?.() === 0
/** The user that every system has and that owns nothing. */
const nobody = 65_534

/** A folder that everybody may enter and only its owner may change. */
function openFolder(): string {
  const path = temporaryFolder()
  chmodSync(path, 0o755)
  return path
}

async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.seteuid?.(nobody)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

describe.each(everyStrategy)('under %s', (strategy) => {
  const open = (path: string, options: OpenWriterOptions = {}) => openUsual(path, strategy, options)

  it('a folder is refused', async () => {
    const path = freshPath(folder)
    mkdirSync(path)
    for (const flags of ['w', 'a', 'r+'] as const) {
      expect(await errorFrom(() => open(path, { flags }))).toMatchObject({
        code: 'EISDIR',
        syscall: 'open',
        path,
      })
    }
    for (const flags of ['wx', 'ax'] as const) {
      expect(await codeFrom(() => open(path, { flags }))).toBe('EEXIST')
    }
  })

  it('a name that ends in a slash makes no file', async () => {
    const path = freshPath(folder)
    expect(await codeFrom(() => open(`${path}/`))).toBe('EISDIR')
    expect(existsSync(path)).toBe(false)
  })

  it('a missing folder is refused', async () => {
    const path = `${freshPath(folder)}/file`
    expect(await errorFrom(() => open(path))).toMatchObject({ code: 'ENOENT', syscall: 'open', path })
  })

  it('a file where a folder is needed is refused', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'kept')
    expect(await codeFrom(() => open(`${path}/file`))).toBe('ENOTDIR')
    expectFile(path, Buffer.from('kept'))
  })

  it('a pipe is refused at once, with and without a reader', async () => {
    const path = freshPath(folder)
    execFileSync('mkfifo', [path])
    for (const flags of ['w', 'a', 'r+'] as const) {
      expect(await errorFrom(() => open(path, { flags }))).toMatchObject({
        code: 'ERR_NOT_REGULAR_FILE',
        path,
      })
    }
    expect(existsSync(path)).toBe(true)
  })

  it.each(['/dev/null', '/dev/zero', '/dev/full'])('%s is refused', async (path) => {
    expect(await errorFrom(() => open(path))).toMatchObject({ code: 'ERR_NOT_REGULAR_FILE', path })
    expect(existsSync(path)).toBe(true)
  })

  it('a socket is refused', async () => {
    const path = freshPath(folder)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    expect(await codeFrom(() => open(path))).toBe('ERR_NOT_REGULAR_FILE')
    await new Promise((resolve) => server.close(resolve))
  })

  it('a symbolic link to nothing makes its file', async () => {
    const path = freshPath(folder)
    const link = freshPath(folder)
    symlinkSync(path, link)
    const writer = await open(link)
    await writer.write('through')
    await writer.end()
    expectFile(path, Buffer.from('through'))
  })

  it('a symbolic link to itself is refused', async () => {
    const link = freshPath(folder)
    symlinkSync(link, link)
    expect(await codeFrom(() => open(link))).toBe('ELOOP')
  })
})

describe('bufferSize that is not a multiple of the block', () => {
  it.each([
    [1, 512, ['512']],
    [1000, 512, ['512', '1024']],
    [8193, 4096, ['8192', '12288']],
    [4096, 65_536, ['65536']],
    [100_000, 65_536, ['65536', '131072']],
  ] as const)('%i with a block of %i is refused, and what would do is said', async (bufferSize, block, sizes) => {
    const path = freshPath(folder)
    const alignment = { memory: block, offset: block }
    const error = await errorFrom(() => openSmall(path, 'direct', { bufferSize }, { alignment }))
    expect(error).toMatchObject({ name: 'UncachedIOError', code: 'ERR_BUFFER_SIZE', path })
    expect(error.message).toContain(String(block))
    expect(error.message).toMatch(new RegExp(`\\b${sizes.join(' or ')} would do`))
    expect(existsSync(path)).toBe(false)
  })

  it('leaves a file that is there as it was', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'precious')
    const alignment = { memory: 4096, offset: 4096 }
    expect(await codeFrom(() => openSmall(path, 'direct', { bufferSize: 512 }, { alignment }))).toBe('ERR_BUFFER_SIZE')
    expectFile(path, Buffer.from('precious'))
  })
})

// Nobody but root can become another user or mount. Everybody else has no permission anyhow.
describe.skipIf(!isRoot && process.env.CI !== 'true')(
  'without permission (needs root, to become somebody else)',
  () => {
    const open = openFolder()

    it.each(everyStrategy)('%s makes no file', async (strategy) => {
      const path = freshPath(open)
      const error = await asNobody(() => errorFrom(() => openUsual(path, strategy)))
      expect(error).toMatchObject({ code: 'EACCES', syscall: 'open', path })
      expect(existsSync(path)).toBe(false)
    })

    it.each(everyStrategy)('%s changes no file', async (strategy) => {
      const path = freshPath(open)
      writeFileSync(path, 'precious', { mode: 0o644 })
      for (const flags of ['w', 'a', 'r+'] as const) {
        const error = await asNobody(() => errorFrom(() => openUsual(path, strategy, { flags })))
        expect(error).toMatchObject({ code: 'EACCES', syscall: 'open', path })
      }
      expect(readFileSync(path, 'utf8')).toBe('precious')
    })
  },
)

describe.skipIf(!isRoot && process.env.CI !== 'true')('on a read-only file system (needs root, to mount one)', () => {
  const mounted = temporaryFolder()
  if (isRoot) {
    execFileSync('mount', ['-t', 'tmpfs', 'none', mounted])
    writeFileSync(`${mounted}/there`, 'precious')
    execFileSync('mount', ['-o', 'remount,ro', mounted])
    afterAll(() => execFileSync('umount', [mounted]))
  }

  it.each(everyStrategy)('%s makes and changes no file', async (strategy) => {
    for (const name of ['there', 'new']) {
      const path = `${mounted}/${name}`
      expect(await errorFrom(() => openUsual(path, strategy))).toMatchObject({ code: 'EROFS', path })
    }
    expect(await codeFrom(() => openWriter(`${mounted}/new`, { policy: 'prefer' }))).toBe('EROFS')
    expect(existsSync(`${mounted}/new`)).toBe(false)
    expectFile(`${mounted}/there`, Buffer.from('precious'))
  })
})
