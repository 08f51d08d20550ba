/** System calls of the package that a test replaces, where the package is imported by its name. */
import { onTestFinished } from 'vitest'
import { binding } from '../../../src/binding.ts'
import { type FileFaults, faultyFile } from '../../support/faults.ts'

/**
 * Replaces calls on all files that the package opens from now on, until the test ends. `src` and `dist` load the same
 * addon, of which Node keeps one object.
 */
export function replaceCalls(faults: FileFaults): void {
  const addon = binding()
  const open = addon.open.bind(addon)
  addon.open = async (...parameters) => faultyFile(await open(...parameters), faults)
  onTestFinished(() => {
    addon.open = open
  })
}

/** Something that a test waits for, and what it makes wait. */
export class Gate {
  readonly opened: Promise<void>
  open!: () => void

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}
