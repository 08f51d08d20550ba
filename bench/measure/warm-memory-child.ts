/** Started by warm-memory.ts: touches as many bytes as its argument says, reports, and holds them until it is ended. */

/** The smallest page of any Linux that Node runs on. One byte in each is enough. */
const PAGE_BYTES = 4096
/** Well below the largest buffer of every Node version. */
const PART_BYTES_MAX = 1024 ** 3

// Ctrl-C is the parent's to handle, and a parent that is gone needs no memory.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))

const parts: Buffer[] = []
for (let left = Number(process.argv[2]); left > 0; left -= PART_BYTES_MAX) {
  const part = Buffer.allocUnsafeSlow(Math.min(left, PART_BYTES_MAX))
  for (let offset = 0; offset < part.length; offset += PAGE_BYTES) part[offset] = 1
  parts.push(part)
}
process.send?.(`${parts.length} parts`)
// Mentioned in a listener, the parts stay reachable; the listener never hears anything.
process.on('message', () => parts.length)
