// Writes bench/schema/report.schema.json, the JSON Schema of the benchmark's reports, from the zod schema that reads them.
// Needs what `npm run build:ts` makes.
import { writeFileSync } from 'node:fs'
import { reportJsonSchema } from '../out/bench/schema/json-schema.js'

const path = new URL('../bench/schema/report.schema.json', import.meta.url)
writeFileSync(path, `${JSON.stringify(reportJsonSchema(), null, 2)}\n`)
