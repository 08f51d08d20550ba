import { workerData } from 'node:worker_threads'
import { binding } from '../binding.ts'
import { directIsForced } from '../force.ts'
import { install } from './install.ts'
import type { IoThreadData } from './io-thread.ts'
import { noteActive } from './report.ts'

// `node --import uncached-io/force PROGRAM`: with FORCEDIRECTIO=1 in the environment what the program writes by node:fs goes
// past the page cache; without it nothing is changed.

export { type ForceReport, forceReport, type Passed, type PassReason } from './report.ts'

const withinOurThread = (workerData as IoThreadData | null)?.uncachedIoThread !== undefined

if (directIsForced() && !withinOurThread) {
  // Where it can't be done at all, the program is not to begin.
  binding()
  await install()
  noteActive()
}
