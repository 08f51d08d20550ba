import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The logs of a head: samples in order, and out of order. Opened for reading, they are not changed. */
const LOGS = ['wal', 'wbl'] as const
/** The mapped chunks of a head, which Prometheus writes while it only reads the folder. */
const MAPPED_CHUNKS = 'chunks_head'

/** What of a data folder is in a view of it. */
export interface Seen {
  /** Names of blocks. */
  readonly ulids: readonly string[]
  /** Whether the logs and the mapped chunks are there. */
  readonly head: boolean
}

/**
 * Gives a view of a data folder: another folder, whose blocks and logs are links to the real ones and whose mapped
 * chunks are a copy, so that what is changed in it changes nothing. It has a folder `wal` in any case. It is removed
 * when `use` is through.
 */
export async function withView<T>(folder: string, seen: Seen, use: (view: string) => Promise<T>): Promise<T> {
  const view = await mkdtemp(join(tmpdir(), 'uncached-io-view-'))
  try {
    for (const ulid of seen.ulids) await linkBlock(join(folder, ulid), join(view, ulid))
    if (seen.head) await addHead(folder, view)
    if (!existsSync(join(view, 'wal'))) await mkdir(join(view, 'wal'))
    return await use(view)
  } finally {
    await rm(view, { recursive: true, force: true })
  }
}

/** A link is not taken for a block's folder, but a folder of links is. */
async function linkBlock(block: string, view: string): Promise<void> {
  await mkdir(view)
  for (const name of await readdir(block)) await symlink(resolve(block, name), join(view, name))
}

async function addHead(folder: string, view: string): Promise<void> {
  for (const log of LOGS) if (existsSync(join(folder, log))) await symlink(resolve(folder, log), join(view, log))
  const mapped = join(folder, MAPPED_CHUNKS)
  if (existsSync(mapped)) await cp(mapped, join(view, MAPPED_CHUNKS), { recursive: true })
}
