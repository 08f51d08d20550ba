// Mutation testing of the pure files by Stryker: each mutant has to be seen by their unit tests, which run without contracts as
// code, or has a reason in survivors.json why nobody can see it.
//
// Exit code 0: so it is. 1: a mutant survived without a reason, or a reason stands for none.
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stryker } from '@stryker-mutator/core'

const root = fileURLToPath(new URL('../../', import.meta.url))
process.chdir(root)
/** @typedef {{ file: string, line: string, column: number, replacement: string | undefined }} Change */

/** @type {(Change & { why: string })[]} */
const reasons = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'))

const results = await new Stryker({
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutation/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: ['src/plan.ts', 'src/inflight.ts', 'src/kept-ranges.ts'],
  reporters: ['progress-append-only'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  tempDirName: join(tmpdir(), 'uncached-io-mutants'),
  // It would read it by TypeScript's former interface.
  tsconfigFile: 'none',
}).runMutationTest()

/**
 * What a mutant changes, as survivors.json names it.
 *
 * @param {import('@stryker-mutator/api/core').MutantResult} mutant
 * @returns {Change}
 */
function changeOf({ fileName, location, replacement }) {
  const file = relative(root, fileName)
  const line = readFileSync(fileName, 'utf8').split('\n')[location.start.line - 1] ?? ''
  return { file, line: line.trim(), column: location.start.column - line.search(/\S/), replacement }
}

/** @type {(a: Change, b: Change) => boolean} */
const isSame = (a, b) =>
  a.file === b.file && a.line === b.line && a.column === b.column && a.replacement === b.replacement
const survivors = results.filter(({ status }) => status === 'Survived' || status === 'NoCoverage').map(changeOf)
const unexplained = survivors.filter((one) => !reasons.some((reason) => isSame(one, reason)))
const stale = reasons.filter((reason) => !survivors.some((one) => isSame(one, reason)))
for (const one of unexplained) console.error(`survived without a reason: ${JSON.stringify(one, null, 2)}`)
for (const one of stale) console.error(`did not survive, and has a reason: ${JSON.stringify(one, null, 2)}`)
const counts = `${results.length} mutants, ${results.length - survivors.length} seen, ${survivors.length} survived`
console.log(`${counts}, ${survivors.length - unexplained.length} of these with a reason`)
process.exitCode = unexplained.length + stale.length > 0 ? 1 : 0
