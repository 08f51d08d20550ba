import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The programs that tests of Prometheus's formats need, and the Debian packages that hold them. */
const packageOf = { promtool: 'prometheus', prometheus: 'prometheus', setpriv: 'util-linux' } as const

export type Tool = keyof typeof packageOf

/**
 * The path of a program, looked for in PATH.
 *
 * @throws {Error} when it is not there; the message says how to install it. A test that can't ask Prometheus fails.
 */
export function pathOfTool(tool: Tool): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, tool)
    if (folder !== '' && isExecutable(path)) return path
  }
  const from = `the Debian package ${packageOf[tool]}`
  throw new Error(`${tool} is not installed: it is in ${from}, and scripts/install-test-tools.sh installs it`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
