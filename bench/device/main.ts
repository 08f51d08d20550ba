/** `npm run bench:device`: what a Node program gets of the disk's speed, against fio. */
import { resolve } from 'node:path'
import { FIO_NAME } from '../ceiling/fio.ts'
import {
  CannotGoOn,
  checkBeforehand,
  checkWritable,
  EXIT_FAILED,
  footprintSource,
  print,
  runCommand,
  useColour,
} from '../command.ts'
import { type Interruption, watchForInterruption } from '../interruption.ts'
import { whatIsAround } from '../measure/around.ts'
import { readEnvironment } from '../measure/environment.ts'
import { packageFolder, packageVersion } from '../package.ts'
import { whyNotWritten } from '../report/json.ts'
import { environmentLines } from '../report/terminal.ts'
import { makeWorkFolder } from '../run/work-folder.ts'
import { formatSeconds } from '../units.ts'
import { deviceHelpText } from './help.ts'
import { deviceJson } from './json.ts'
import { names } from './names.ts'
import { type DeviceOptions, readDeviceOptions } from './options.ts'
import { deviceLegendLines, reportLines } from './report.ts'
import type { DeviceResults } from './result.ts'
import { runEverything } from './run-everything.ts'

/** A run has one file of the full length, and the warm-up's before it. */
const FILES_AT_ONCE = 2

async function main(args: readonly string[]): Promise<number> {
  const options = readDeviceOptions(
    args,
    names.map(([name]) => name),
  )
  if (options === 'help') {
    process.stdout.write(deviceHelpText())
    return 0
  }
  const interruption = watchForInterruption()
  try {
    return await benchDevice(options, interruption)
  } finally {
    interruption.stop()
  }
}

async function benchDevice(options: DeviceOptions, interruption: Interruption): Promise<number> {
  const startedAtMs = performance.now()
  const dir = resolve(options.dir ?? packageFolder)
  await checkWritable('--json', options.jsonFile)
  await checkBeforehand(options, dir, options.bytes * FILES_AT_ONCE)
  const environment = await readEnvironment(dir, packageVersion, await footprintSource(), await whatIsAround(dir))
  print([...environmentLines(environment), ''])

  const results = await runInFolder(options, dir, interruption.signal)

  // Before anything is printed: whoever reads the tables may have gone away meanwhile.
  const json = deviceJson(environment, options, results)
  const notWritten = options.jsonFile === null ? null : await whyNotWritten(options.jsonFile, json)
  print([...reportLines(results, options.bytes, useColour()), ...deviceLegendLines(), ''])
  print(closingLines(options, interruption, (performance.now() - startedAtMs) / 1e3))
  if (notWritten !== null) throw new CannotGoOn(`--json: ${notWritten}`)
  return interruption.exitCode() ?? (results.notRun.some(({ state }) => state === 'failed') ? EXIT_FAILED : 0)
}

async function runInFolder(options: DeviceOptions, dir: string, signal: AbortSignal): Promise<DeviceResults> {
  const folder = await makeWorkFolder(dir)
  try {
    return await runEverything(options, {
      folder: folder.path,
      runScript: new URL('./run-child.js', import.meta.url),
      memoryScript: new URL('../measure/warm-memory-child.js', import.meta.url),
      signal,
    })
  } finally {
    folder.remove()
  }
}

function closingLines(options: DeviceOptions, interruption: Interruption, seconds: number): string[] {
  const lines = [`${options.pairs === 1 ? '1 pair' : `${options.pairs} pairs`} in ${formatSeconds(seconds)}.`]
  if (!options.only.includes(FIO_NAME)) lines.push(`Without ${FIO_NAME} there are no ratios to it.`)
  if (interruption.exitCode() !== null) lines.push('Interrupted: what was finished until then is kept.')
  return lines
}

await runCommand('bench:device', main)
