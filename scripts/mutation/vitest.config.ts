import { defineConfig } from 'vitest/config'

/** The tests of the pure files, without their contracts as code: what a mutant breaks has to be seen by a test. */
export default defineConfig({
  test: {
    include: ['test/{plan,inflight,kept-ranges}.test.ts'],
    setupFiles: ['scripts/mutation/seed.ts'],
  },
})
