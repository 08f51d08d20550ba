// Adds up vitest's JSON reports and prints "N passed, N failed", after each failure once more: the log above is long. A report
// that is missing or holds no test counts as one failure: a run that never came to its tests must not look like one without
// failures. So does a test file that could not be loaded.
import { readFileSync } from 'node:fs'

let passed = 0
let failed = 0
for (const path of process.argv.slice(2)) {
  const report = read(path)
  passed += report.numPassedTests
  failed += report.numFailedTests
  for (const file of report.testResults) {
    for (const test of file.assertionResults.filter(({ status }) => status === 'failed')) {
      console.error(`${path}: ${file.name}: ${test.fullName}\n${test.failureMessages.join('\n')}`)
    }
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) {
      console.error(`${file.name}: ${file.message}`)
      failed++
    }
  }
  if (report.numPassedTests + report.numFailedTests === 0) {
    console.error(`${path}: no test ran`)
    failed++
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * @typedef {{ status: string, fullName: string, failureMessages: string[] }} Test
 * @typedef {{ name: string, status: string, message: string, assertionResults: Test[] }} TestFile
 * @typedef {{ numPassedTests: number, numFailedTests: number, testResults: TestFile[] }} Report
 */

/** @param {string} path @returns {Report} */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    console.error(String(error))
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] }
  }
}
