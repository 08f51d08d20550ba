import { join } from 'node:path'
import { instrumented } from './instrument.ts'
import { root } from './root.ts'
import { readModule } from './source.ts'

const verified = new Set(['src/plan.ts', 'src/inflight.ts'].map((path) => join(root, path)))

/**
 * Lets the tests run the verified files with their contracts as code. The proof assumes that callers keep to what is
 * required of them; every test of a writer is a test of that.
 */
export function contracts(): {
  name: string
  enforce: 'pre'
  transform(code: string, path: string): string | undefined
} {
  return {
    name: 'contracts',
    enforce: 'pre',
    transform: (code, path) => (verified.has(path) ? instrumented(readModule(path, code)) : undefined),
  }
}
