// Copies the addon that was built here to where the package carries it: prebuilds/<platform>-<arch>-<libc>/.
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const built = new URL('build/Release/uncached_io.node', root)

if (process.platform !== 'linux') {
  // The package holds binaries for Linux only; whoever packs it elsewhere carries those that are there already.
  console.log('prebuild: nothing to copy, the addon is for Linux')
} else if (existsSync(built)) {
  // glibc's version stands in the report where Node runs on glibc; musl leaves none.
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  const libc = header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  const folder = new URL(`prebuilds/linux-${process.arch}-${libc}/`, root)
  const copy = new URL('uncached_io.node', folder)
  mkdirSync(folder, { recursive: true })
  copyFileSync(built, copy)
  chmodSync(copy, 0o755)
  console.log(`prebuild: ${fileURLToPath(copy)}`)
} else {
  console.error(`prebuild: ${fileURLToPath(built)} is not there: run npm run build:addon first`)
  process.exitCode = 1
}
