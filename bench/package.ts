import { createRequire } from 'node:module'
import { dirname } from 'node:path'

const require = createRequire(import.meta.url)

/** The package's own package.json, found by name: this file runs from the sources as well as from the build. */
export const packageFile = require.resolve('uncached-io/package.json')

/** The project's top folder. */
export const packageFolder = dirname(packageFile)

const manifest: { version: string } = require(packageFile)

export const packageVersion = manifest.version
