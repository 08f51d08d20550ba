import fs from 'node:fs'

/** node:fs as it was before anything was replaced: imported by name, its functions would be the replaced ones. */
export const originals: typeof fs = { ...fs }
