import { fileURLToPath } from 'node:url'

/** The checkout. The compiled files stand in out/verify/verify. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))
