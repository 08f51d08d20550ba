import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The shape of the code: what a reader counts on and no linter checks.

const root = fileURLToPath(new URL('../', import.meta.url))
const maxLinesOfFile = 400
const maxLinesOfFunction = 70

interface SourceFile {
  path: string
  lines: string[]
}

function filesIn(folder: string, extensions: RegExp): SourceFile[] {
  const found: SourceFile[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...filesIn(path, extensions))
    else if (extensions.test(entry.name)) found.push({ path, lines: linesOf(path) })
  }
  return found
}

function linesOf(path: string): string[] {
  return readFileSync(join(root, path), 'utf8').split('\n')
}

/** Where `pattern` stands, as `path:line`. */
function placesOf(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  )
}

/** The files in which `pattern` stands. */
function filesWith(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files.filter(({ lines }) => lines.some((line) => pattern.test(line))).map(({ path }) => path)
}

/**
 * The functions of a formatted file: from a line that opens a block behind a parameter list or an arrow to the line
 * that closes it at the same depth. The body of a describe() is no function to be read from top to bottom.
 */
function functionsOf({ path, lines }: SourceFile): { place: string; length: number }[] {
  return lines.flatMap((line, index) => {
    const opens = /(\)|=>)( const)?(: [^=]+)? \{$/.test(line) && !/\bdescribe\b|\}\)\(|^\s+named\(/.test(line)
    if (!opens || lines.slice(Math.max(0, index - 4), index).some((before) => /\bdescribe\b/.test(before))) return []
    const depth = line.length - line.trimStart().length
    const closing = new RegExp(`^ {${depth}}\\}`)
    const length = lines.slice(index + 1).findIndex((later) => closing.test(later)) + 2
    return [{ place: `${path}:${index + 1}`, length }]
  })
}

const shipped = filesIn('src', /\.ts$/)
const native = filesIn('native', /\.(cc|h)$/)
const tests = filesIn('test', /\.(ts|mjs)$/)
const ours = [
  ...shipped,
  ...native,
  ...tests,
  ...filesIn('bench', /\.ts$/),
  ...filesIn('scripts', /\./),
  ...filesIn('verify', /\.ts$/),
]

test('the scan sees the code', () => {
  expect(shipped.length).toBeGreaterThan(10)
  expect(native.length).toBeGreaterThan(10)
  expect(shipped.flatMap(functionsOf).length).toBeGreaterThan(100)
  expect(native.flatMap(functionsOf).length).toBeGreaterThan(30)
})

test(`no file has more than ${maxLinesOfFile} lines`, () => {
  const long = ours.filter(({ lines }) => lines.length - 1 > maxLinesOfFile)
  expect(long.map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([])
})

test(`no function has more than ${maxLinesOfFunction} lines`, () => {
  const long = ours.flatMap(functionsOf).filter(({ length }) => length > maxLinesOfFunction)
  expect(long.map(({ place, length }) => `${place}: ${length}`)).toEqual([])
})

test('one file loads the addon', () => {
  expect(filesWith(/createRequire|\.node['"`]/, shipped)).toEqual(['src/binding.ts'])
})

test('the benchmark imports the package by its name', () => {
  expect(placesOf(/from '(\.\.\/)+(src|dist)\b/, filesIn('bench', /\.ts$/))).toEqual([])
})

test('the pure files do nothing but compute', () => {
  const pure = shipped.filter(({ path }) => /\/(plan|inflight)\.ts$/.test(path))
  expect(pure).toHaveLength(2)
  expect(placesOf(/^import .* from '(node:|\.\/(?!plan\.ts))|\bawait\b|\bprocess\./, pure)).toEqual([])
})

test('what the headers may lack stands in native/kernel.h alone', () => {
  const lacking = /\b(STATX_\w+|RWF_\w+|SYS_cachestat|__NR_\w+|SYS_p(read|write)v2)\b(?!")/
  expect(filesWith(lacking, native)).toEqual(['native/kernel.h'])
})

test('the addon names nothing of libuv, V8 or Node itself', () => {
  expect(placesOf(/\buv_|\bv8::|\bnode::|#include <(uv|v8|node)\.h>/, native)).toEqual([])
})

test('no test is left out, and none leaves out the others', () => {
  expect(placesOf(/\b(test|it|describe)(\.\w+)*\.(only|skip|todo|fails)\b/, tests)).toEqual([])
})

test('the package depends on nothing at run time', () => {
  const manifest = JSON.parse(linesOf('package.json').join('\n')) as Record<string, unknown>
  expect(manifest.dependencies ?? {}).toEqual({})
  expect(manifest.optionalDependencies ?? {}).toEqual({})
  expect(placesOf(/from '(?!node:|\.|prom-client')/, shipped)).toEqual([])
  // The optional peer of a subpath, which nothing else imports.
  expect(manifest.peerDependenciesMeta).toEqual({ 'prom-client': { optional: true } })
  expect(placesOf(/from '(prom-client|.*\/metrics\.ts)'/, shipped)).toEqual([
    expect.stringMatching(/^src\/metrics\.ts:\d+$/),
  ])
})
