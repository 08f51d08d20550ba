import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = temporaryFolder()
const project = join(folder, 'project')
const installed = join(project, 'node_modules', 'uncached-io')

/** npm and tsc take a few seconds on an idle machine. */
const timeLimitMs = 120_000

function run(command: string, commandArguments: readonly string[], cwd: string): string {
  try {
    return execFileSync(command, commandArguments, {
      cwd,
      encoding: 'utf8',
      timeout: timeLimitMs,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${commandArguments.join(' ')}\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    })
  }
}

/** Runs a program in the project, as its user would. */
function runProgram(name: string, source: string): string {
  writeFileSync(join(project, name), source)
  return run(process.execPath, [name], project)
}

let packedFiles: string[] = []

// What was built is packed as it is: the scripts of `npm pack` would build again, under the other tests.
beforeAll(() => {
  run(process.execPath, ['scripts/prebuild.mjs'], root)
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const [packed] = JSON.parse(run('npm', pack, root)) as { filename: string; files: { path: string }[] }[]
  packedFiles = packed?.files.map(({ path }) => path) ?? []
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "a-user", "type": "module", "private": true }')
  const tarball = join(folder, packed?.filename ?? '')
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], project)
}, timeLimitMs)

describe('the packed tarball', () => {
  test('holds what users need', () => {
    const needed = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts']
    expect(packedFiles).toEqual(expect.arrayContaining(needed))
    const binaries = packedFiles.filter((path) => path.endsWith('.node'))
    expect(binaries.length).toBeGreaterThan(0)
    for (const path of binaries) {
      expect(path).toMatch(/^prebuilds\/linux-[a-z0-9]+-(glibc|musl)\/uncached_io\.node$/)
    }
  })

  test('holds nothing else', () => {
    const folders = new Set(packedFiles.map((path) => (path.includes('/') ? path.split('/')[0] : '')))
    expect(folders).toEqual(new Set(['', 'dist', 'native', 'prebuilds', 'src']))
    expect(packedFiles.filter((path) => /\.test\.|tsconfig|\.tgz$|package-lock/.test(path))).toEqual([
      'src/tsconfig.json',
    ])
  })

  test('holds no output without its source', () => {
    const outputs = packedFiles.filter((path) => /^dist\/.*(?<!\.d)\.(js)$/.test(path))
    const sources = outputs.map((path) => path.replace(/^dist\/(.*)\.js$/, 'src/$1.ts'))
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

describe('installed without a network', () => {
  test('it stands alone: no dependencies, nothing built', () => {
    const names = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(names).toEqual(['uncached-io'])
    expect(existsSync(join(installed, 'build'))).toBe(false)
  })

  test('a program that imports it by name writes a file', () => {
    const source = `
      import { openWriter, pageCacheOf } from 'uncached-io'
      const writer = await openWriter('written.bin', { strategy: 'direct', policy: 'prefer' })
      await writer.write('hello, ')
      await writer.write(new TextEncoder().encode('world'))
      console.log(await writer.end(), (await pageCacheOf('written.bin')).source)`
    expect(runProgram('writes.js', source)).toMatch(/^12 (cachestat|mincore)\n$/)
    expect(readFileSync(join(project, 'written.bin'), 'utf8')).toBe('hello, world')
  })

  test("the README's example runs as it stands", () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [, example] = /```(?:js|ts)\n([\s\S]*?)```/.exec(readme) ?? []
    expect(example).toContain("from 'uncached-io'")
    expect(runProgram('example.js', example ?? '')).not.toBe('')
  })

  test('its types resolve', () => {
    const types = join(project, 'node_modules', '@types')
    mkdirSync(types)
    symlinkSync(join(root, 'node_modules', '@types', 'node'), join(types, 'node'))
    symlinkSync(join(root, 'node_modules', 'undici-types'), join(project, 'node_modules', 'undici-types'))
    writeFileSync(
      join(project, 'typed.ts'),
      `import { DirectIOWriter, openWriter, type Strategy, UncachedIOError, type Writer } from 'uncached-io'
      const strategy: Strategy = 'evict'
      const writer: Writer = await openWriter('typed.bin', { strategy, queueDepth: 2 })
      const taken: boolean = writer.writeSync(new Uint8Array(1))
      const total: number = await writer.end()
      const direct: DirectIOWriter = await DirectIOWriter.open('typed.bin')
      // @ts-expect-error: no such strategy
      await openWriter('typed.bin', { strategy: 'fast' })
      export { direct, taken, total, UncachedIOError }`,
    )
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext']
    const library = ['--moduleResolution', 'nodenext', '--lib', 'es2023,esnext.disposable', '--types', 'node']
    run(join(root, 'node_modules', '.bin', 'tsc'), [...options, ...library, 'typed.ts'], project)
  })

  test('on another system it can be imported, and says that it writes on Linux only', () => {
    const source = `
      Object.defineProperty(process, 'platform', { value: 'darwin' })
      const { DirectIOWriter, openWriter, alignmentOf } = await import('uncached-io')
      const calls = [() => openWriter('x'), () => DirectIOWriter.open('x'), () => alignmentOf('x')]
      const codes = await Promise.all(calls.map((call) => call().then(() => 'resolved', ({ code }) => code)))
      console.log(codes.join())`
    const code = 'ERR_UNSUPPORTED_PLATFORM'
    expect(runProgram('elsewhere.js', source)).toBe(`${code},${code},${code}\n`)
    expect(existsSync(join(project, 'x'))).toBe(false)
  })
})
