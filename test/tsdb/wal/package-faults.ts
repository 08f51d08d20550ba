/** System calls of the package that a test replaces, where the package is imported by its name. */
import { onTestFinished } from 'vitest'
import { binding, type NativeFile } from '../../../src/binding.ts'
import type { FileFaults } from '../../support/faults.ts'

/**
 * Replaces calls on all files that the package opens from now on, until the test ends. `src` and `dist` load the same
 * addon, of which Node keeps one object.
 */
export function replaceCalls(faults: FileFaults): void {
  const addon = binding()
  const open = addon.open.bind(addon)
  addon.open = async (...parameters) => wrap(await open(...parameters), faults)
  onTestFinished(() => {
    addon.open = open
  })
}

function wrap(real: NativeFile, faults: FileFaults): NativeFile {
  return new Proxy(real, {
    get(target, name: keyof NativeFile) {
      const fault = faults[name] as ((file: NativeFile, ...parameters: unknown[]) => unknown) | undefined
      const method = target[name] as ((...parameters: unknown[]) => unknown) | undefined
      // `then`, which await asks every object for, must stay missing.
      if (method === undefined) return undefined
      return fault === undefined
        ? (...parameters: unknown[]) => method.apply(target, parameters)
        : (...parameters: unknown[]) => fault(target, ...parameters)
    },
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
