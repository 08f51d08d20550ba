/** Writes as many bytes of the workload `large` as its argument says to standard output, a blocking pipe. */
import { writeSync } from 'node:fs'
import { makeChunks } from '../workloads/large.ts'

const standardOutput = 1
const chunks = makeChunks()
let leftBytes = Number(process.argv[2])
for (let index = 0; leftBytes > 0; index = (index + 1) % chunks.length) {
  let chunk: Uint8Array = chunks[index]!.subarray(0, leftBytes)
  leftBytes -= chunk.length
  while (chunk.length > 0) chunk = chunk.subarray(writeSync(standardOutput, chunk))
}
