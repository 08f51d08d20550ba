// Sees every write that this thread gives to the addon, wherever the addon is loaded from, and by which engine it goes.
// Plain JavaScript: test/support/engine-preload.mjs takes it into every child and every worker.

const watched = Symbol.for('uncached-io.test.watched')

/** @typedef {'io_uring' | 'threads'} Engine */
/** @typedef {{ pwrite: (this: File, ...parameters: unknown[]) => Promise<number> }} File */
/** @typedef {{ open: (this: Addon, ...parameters: unknown[]) => Promise<File>, [watched]?: boolean }} Addon */

/**
 * To be called before the addon is loaded. `note` is told of each write, before it is made.
 *
 * @param {(engine: Engine) => void} note
 */
export function watchWrites(note) {
  const load = process.dlopen.bind(process)
  /** @type {(module: object, ...rest: unknown[]) => void} */
  const loadAndWatch = (module, ...rest) => {
    Reflect.apply(load, undefined, [module, ...rest])
    const { exports } = /** @type {{ exports: Addon }} */ (module)
    if ('startRing' in exports && !isWatched(exports)) watchAddon(exports, note)
  }
  process.dlopen = loadAndWatch
}

/** @param {object} addon @returns {boolean} */
export function isWatched(addon) {
  return watched in addon
}

/** @param {Addon} addon @param {(engine: Engine) => void} note */
function watchAddon(addon, note) {
  const open = addon.open.bind(addon)
  addon.open = async (...parameters) => {
    const file = await open(...parameters)
    // A property of the file itself, since those of its class are read-only. It must not keep the file alive.
    const { pwrite } = file
    return Object.defineProperty(file, 'pwrite', {
      configurable: true,
      /** @this {File} @param {unknown[]} rest */
      value(...rest) {
        note(rest[5] === true ? 'io_uring' : 'threads')
        return Reflect.apply(pwrite, this, rest)
      },
    })
  }
  Object.defineProperty(addon, watched, { value: true })
}
