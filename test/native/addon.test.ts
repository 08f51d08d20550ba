import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { addonPath } from '../process/run-child.ts'

// nm comes with the compiler that built the addon.
function symbols(which: '--undefined-only' | '--defined-only'): string[] {
  const list = execFileSync('nm', ['--dynamic', '--format=posix', which, addonPath], { encoding: 'utf8' })
  return list.split('\n').map((line) => line.split(' ')[0] ?? '')
}

test('the addon asks of Node what Node-API gives, nothing of libuv or V8', () => {
  const undefinedSymbols = symbols('--undefined-only')
  expect(undefinedSymbols.filter((name) => name.startsWith('napi_')).length).toBeGreaterThan(10)
  expect(undefinedSymbols.filter((name) => /^uv_|v8|^node_|^_ZN4node/.test(name))).toEqual([])
})

test('the C++ library inside it is its own', () => {
  const ofTheLibrary = symbols('--undefined-only').filter((name) => /^_ZN?K?S|^_ZS|^_Zn|^_Zd/.test(name))
  expect(ofTheLibrary).toEqual([])
  expect(symbols('--defined-only')).toContain('napi_register_module_v1')
})
