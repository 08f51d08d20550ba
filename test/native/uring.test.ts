import { constants, readdirSync, readFileSync, readlinkSync, statSync, unlinkSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { binding, type NativeFile } from '../../src/binding.ts'
import { codeOf } from '../../src/errors.ts'
import { allocAligned } from '../../src/index.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { expectEngine, namedRing, whyNoRing, writesThrough } from '../support/engine.ts'
import { freshPath } from '../support/folders.ts'
import { hasFileTable } from '../support/kernel.ts'
import { caught, folder, opened, readWrite } from './opened.ts'

const native = binding()
const { O_DIRECT, O_RDONLY } = constants
const block = 4096
const direct = readWrite | O_DIRECT

/** As many writes as the ring has places, several times over. */
const many = 1000

/** Of `names`, those that this process holds open. */
function openAmong(names: ReadonlySet<string>): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, '')
      return names.has(name) ? [name] : []
    } catch {
      return []
    }
  })
}

/** What the rings of this process have in their tables, as the kernel tells it. */
function tablesOfRings(): string {
  const rings = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]'
    } catch {
      return false
    }
  })
  expect(rings.length).toBeGreaterThan(0)
  return rings.map((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')).join('')
}

const write = (file: NativeFile, bytes: Uint8Array, position: number): Promise<number> =>
  file.pwrite(bytes, 0, bytes.byteLength, position, 0, true)

describe.skipIf(whyNoRing() !== null)(namedRing('writes through io_uring'), () => {
  beforeEach(() => {
    expectEngine('io_uring')
    // Again and again it is set up once.
    native.startRing()
  })

  test.each([
    ['direct', direct],
    ['through the page cache', readWrite],
  ])('land where they belong, several of one file at a time: %s', async (_, flags) => {
    await opened(flags, async (file, path) => {
      const content = alignedBytes(64 * block)
      const writes = Array.from({ length: 16 }, (_unused, i) =>
        file.pwrite(content, i * 4 * block, 4 * block, i * 4 * block, 0, true),
      )
      expect(writesThrough('io_uring')).toBe(16)
      expect(await Promise.all(writes)).toEqual(Array.from({ length: 16 }, () => 4 * block))
      expect(readFileSync(path).equals(content)).toBe(true)
    })
  })

  test.each([
    ['direct', direct, block],
    ['through the page cache', readWrite, 1000],
  ])('all land when there are more than the ring has places: %s', async (_, flags, length) => {
    await opened(flags, async (file, path) => {
      const content = alignedBytes(many * length)
      const writes = Array.from({ length: many }, (_unused, i) =>
        file.pwrite(content, i * length, length, i * length, 0, true),
      )
      expect(await Promise.all(writes)).toEqual(Array.from({ length: many }, () => length))
      expect(readFileSync(path).equals(content)).toBe(true)
    })
  })

  test('keep their memory alive, be it waiting for a place in the ring', async () => {
    await opened(readWrite, async (file, path) => {
      const writes: Promise<number>[] = []
      for (let i = 0; i < many; i++) writes.push(write(file, new Uint8Array(10_000).fill(i % 251), i * 10_000))
      await Promise.all(writes)
      const content = readFileSync(path)
      for (let i = 0; i < many; i++) {
        const part = content.subarray(i * 10_000, (i + 1) * 10_000)
        expect(part.equals(Buffer.alloc(10_000, i % 251))).toBe(true)
      }
    })
  })

  test('reach positions beyond 4 GiB', async () => {
    await opened(direct, async (file, path) => {
      const position = 2 ** 33 + block
      const content = alignedBytes(block)
      expect(await write(file, content, position)).toBe(block)
      expect(statSync(path).size).toBe(position + block)
      const into = allocAligned(block)
      await file.pread(into, 0, block, position, 0)
      expect(Buffer.compare(into, content)).toBe(0)
    })
  })

  test('take shared memory, and lengths of nothing', async () => {
    await opened(readWrite, async (file, path) => {
      await write(file, new Uint8Array(new SharedArrayBuffer(8)).fill(5), 0)
      expect(await file.pwrite(new Uint8Array(8), 8, 0, 8, 0, true)).toBe(0)
      expect(readFileSync(path).equals(Buffer.alloc(8, 5))).toBe(true)
    })
  })

  test('with RWF_DONTCACHE leave nothing in the page cache, or are refused as by the system call', async () => {
    const length = 4 << 20
    const content = someBytes(length)
    const { RWF_DONTCACHE, POSIX_FADV_DONTNEED } = native.constants
    await opened(readWrite, async (file, path) => {
      const outcome = await file.pwrite(content, 0, length, 0, RWF_DONTCACHE, true).catch(codeOf)
      expectEngine('threads')
      const byThread = await opened(readWrite, (other) =>
        other.pwrite(content, 0, length, 0, RWF_DONTCACHE, false).catch(codeOf),
      )
      expect(outcome).toBe(byThread)
      if (outcome !== length) return
      expect(readFileSync(path).equals(content)).toBe(true)
      await file.fdatasync()
      await file.fadvise(0, 0, POSIX_FADV_DONTNEED)
      expect((await file.cachestat()).cachedPages).toBe(0)
    })
  })
})

const failed = (code: string, errno: number, path: string) => ({ code, errno, syscall: 'io_uring_enter', path })

/** Which of many writes are to fail. */
const isBad = (index: number): boolean => index % 10 === 3

describe.skipIf(whyNoRing() !== null)(namedRing('errors of io_uring'), () => {
  beforeEach(() => {
    expectEngine('io_uring')
    native.startRing()
  })

  test('have the shape of those of node:fs', async () => {
    await opened(readWrite, async (file, path) => {
      const beyond = write(file, new Uint8Array(1), Number.MAX_SAFE_INTEGER)
      await expect(beyond).rejects.toBeInstanceOf(Error)
      await expect(beyond).rejects.toMatchObject(failed('EFBIG', -27, path))
      await expect(beyond).rejects.toThrow(/^EFBIG: .*, io_uring_enter '.*'$/)
      expect(statSync(path).size).toBe(0)
    })
    const path = freshPath(folder)
    await (await native.open(path, readWrite, 0o600)).close()
    const file = await native.open(path, O_RDONLY, 0)
    await expect(write(file, new Uint8Array(1), 0)).rejects.toMatchObject(failed('EBADF', -9, path))
    await file.close()
  })

  test('of one write leave the others alone', async () => {
    await opened(direct, async (file, path) => {
      const { dio } = await file.statx()
      // Where the kernel names no alignment (tmpfs, btrfs) it takes everything.
      if (dio === undefined) return
      const content = alignedBytes(many * block)
      const outcomes = await Promise.all(
        Array.from({ length: many }, (_unused, i) =>
          file.pwrite(content, i * block, isBad(i) ? block - 1 : block, i * block, 0, true).catch((e: unknown) => e),
        ),
      )
      for (const [i, outcome] of outcomes.entries()) {
        if (isBad(i)) expect(outcome).toMatchObject(failed('EINVAL', -22, path))
        else expect(outcome).toBe(block)
      }
      const expected = Buffer.from(content)
      for (let i = 3; i < many; i += 10) expected.fill(0, i * block, (i + 1) * block)
      expect(readFileSync(path).equals(expected)).toBe(true)
    })
  })

  test('memory that was transferred away is refused at once, or what the kernel read of it is in the file', async () => {
    await opened(readWrite, async (file, path) => {
      const gone = new Uint8Array(100)
      structuredClone(gone, { transfer: [gone.buffer] })
      const refused = { name: 'RangeError', code: 'ERR_BUFFER_DETACHED' }
      expect(caught(() => void file.pwrite(gone, 0, 100, 0, 0, true))).toMatchObject(refused)

      const bytes = Uint8Array.from(someBytes(1 << 20))
      const expected = Buffer.from(bytes)
      const writing = write(file, bytes, 0)
      const moved = structuredClone(bytes, { transfer: [bytes.buffer] })
      expect(await writing).toBe(expected.byteLength)
      expect(readFileSync(path).equals(expected)).toBe(true)
      expect(moved.byteLength).toBe(expected.byteLength)
    })
  })
})

describe.skipIf(whyNoRing() !== null)(namedRing('files in the table of the ring'), () => {
  beforeEach(() => {
    expectEngine('io_uring')
    native.startRing()
  })

  test('may be more than it has places', async () => {
    const paths = Array.from({ length: 300 }, () => freshPath(folder))
    const files = await Promise.all(paths.map((path) => native.open(path, direct, 0o600)))
    const contents = paths.map((_, i) => alignedBytes(2 * block, i))
    const halves = files.flatMap((file, i) => {
      const content = contents[i] as Uint8Array
      return [0, block].map((at) => file.pwrite(content, at, block, at, 0, true))
    })
    await Promise.all(halves)
    await Promise.all(files.map((file) => file.close()))
    for (const [i, path] of paths.entries()) {
      expect(Buffer.compare(readFileSync(path), contents[i] as Uint8Array)).toBe(0)
    }
    expect(openAmong(new Set(paths))).toEqual([])
  })

  test('leave their places to others, and each is written into its own file', async () => {
    for (let i = 0; i < 600; i++) {
      const path = freshPath(folder)
      const file = await native.open(path, readWrite, 0o600)
      await write(file, Buffer.from(`the file ${i}`), 0)
      await file.close()
      expect(readFileSync(path, 'utf8')).toBe(`the file ${i}`)
      unlinkSync(path)
    }
  })

  test('are closed when they are closed: nothing holds them any more', async () => {
    const path = freshPath(folder)
    const file = await native.open(path, direct, 0o600)
    await write(file, alignedBytes(block), 0)
    unlinkSync(path)
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (hasFileTable) expect(tablesOfRings()).toContain(name)
    expect(openAmong(new Set([path]))).toEqual([path])
    await file.close()
    expect(tablesOfRings()).not.toContain(name)
    expect(openAmong(new Set([path]))).toEqual([])
  })

  test('are not closed while writes are outstanding: EBUSY', async () => {
    const path = freshPath(folder)
    const file = await native.open(path, readWrite, 0o600)
    const writes = Array.from({ length: many }, (_, i) => write(file, someBytes(1000), i * 1000))
    expect(caught(() => void file.close())).toMatchObject({ code: 'EBUSY', syscall: 'close', path })
    await Promise.all(writes)
    await file.close()
    expect(statSync(path).size).toBe(many * 1000)
    expect(caught(() => void write(file, new Uint8Array(1), 0))).toMatchObject({ code: 'EBADF', errno: -9 })
  })

  test('are written by threads as well, at the same time', async () => {
    expectEngine('io_uring', 'threads')
    await opened(direct, async (file, path) => {
      const content = alignedBytes(200 * block)
      await Promise.all(
        Array.from({ length: 200 }, (_, i) => file.pwrite(content, i * block, block, i * block, 0, i % 2 === 0)),
      )
      expect([writesThrough('io_uring'), writesThrough('threads')]).toEqual([100, 100])
      expect(readFileSync(path).equals(content)).toBe(true)
    })
  })
})
