import { defineConfig } from 'vitest/config'
import { contracts } from './verify/vitest-plugin.ts'

export default defineConfig({
  plugins: [contracts()],
  test: {
    include: ['test/**/*.test.ts'],
    // Watches which engine each test writes through.
    setupFiles: ['test/support/engine.setup.ts'],
    // Processes, not threads: the tests load an addon, fork children and look at their own environment.
    pool: 'forks',
    // A disk that is busy with the neighbours of a shared machine takes its time; a hang still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { include: ['src/**'], reporter: ['text', 'json-summary'] },
  },
})
