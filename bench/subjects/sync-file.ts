import { open } from 'node:fs/promises'

/** For libraries that make nothing durable themselves: fsync through another descriptor of the same file. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
