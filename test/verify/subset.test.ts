import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../verify/root.ts'
import { readModule } from '../../verify/source.ts'

/** What stands for nothing in the proof has to be refused: a proof of something else would be none. */

const outside: Record<string, string> = {
  'another operator': 'export function f(x: number): number { return x / 2 }',
  bits: 'export function f(x: number): number { return x | 0 }',
  'a power': 'export function f(x: number): number { return x ** 2 }',
  'a switch': 'export function f(x: number): number { switch (x) { default: return 1 } }',
  'an exception': "export function f(): number { throw new Error('no') }",
  'a try': 'export function f(): number { try { return 1 } finally { } }',
  'a promise': 'export async function f(): Promise<number> { return await g() }',
  'a generator': 'export function* f(): Generator<number> { yield 1 }',
  'a function that does not answer at once': 'export async function f(): Promise<number> { return 1 }',
  'a static method': 'export class A { static f(): number { return 1 } }',
  'a computed name': 'export function f(x: number): object { return { [x]: 1 } }',
  'a call that may be none': 'export function f(x: { y(): number }): number { return x?.y() }',
  'a template': 'export function f(x: number): string { return `${x}` }',
  'a spread': 'export function f(x: number[]): number[] { return [...x] }',
  'a static block': 'export class A { static { } }',
  'what does not parse': 'export function f( {',
}

describe('outside of the verified subset is', () => {
  it.each(Object.entries(outside))('%s', (_, source) => {
    expect(() => readModule('some.ts', source)).toThrow(/some\.ts/)
  })
})

describe('lint', () => {
  it('refuses it, too, in the files that are verified', () => {
    const folder = join(root, 'test/verify/.lint/src')
    mkdirSync(folder, { recursive: true })
    try {
      writeFileSync(join(folder, 'plan.ts'), 'export const half = (x: number): number => x / 2\n')
      const config = {
        jsPlugins: [join(root, 'verify/lint-rule.mjs')],
        rules: { 'verify/subset': 'error' },
      }
      writeFileSync(join(folder, '../.oxlintrc.json'), JSON.stringify(config))
      const { stdout, status } = spawnSync('npx', ['oxlint', '-c', join(folder, '../.oxlintrc.json'), folder], {
        cwd: root,
        encoding: 'utf8',
      })
      expect(stdout).toContain('the operator / is outside of the verified subset')
      expect(status).toBe(1)
    } finally {
      rmSync(join(root, 'test/verify/.lint'), { recursive: true })
    }
  })
})
