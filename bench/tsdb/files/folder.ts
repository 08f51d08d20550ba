import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Renames within a folder, and makes that durable. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Makes the folder and those that it is in, durably; nothing happens when it is there. */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  // The name of each folder that was made stands in the one above it.
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === first) return
  }
}
