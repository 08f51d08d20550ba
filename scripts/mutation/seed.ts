import { fc } from '@fast-check/vitest'

/** Names of tests have the seed in them, and mutants are matched to tests by name. */
fc.configureGlobal({ seed: 20_261_130 })
