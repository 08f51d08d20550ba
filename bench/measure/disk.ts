/** What the kernel knows of a disk: Documentation/ABI/stable/sysfs-block. */
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Environment } from '../schema/environment.ts'
import type { BlockDevice } from './device-io.ts'

const SECTOR_BYTES = 512

/** @param device may be a partition, whose disk it is then about */
export async function describeDisk({ statPath }: BlockDevice): Promise<Environment['disk']> {
  const own = await realpath(dirname(statPath))
  // A partition's folder is in that of its disk, which has the queue.
  const isPartition = (await textOf(join(own, 'partition'))) !== null
  const folder = isPartition ? dirname(own) : own
  const queue = (name: string) => textOf(join(folder, 'queue', name))
  const rotational = await queue('rotational')
  return {
    name: basename(folder),
    model: await textOf(join(folder, 'device', 'model')),
    rotational: rotational === null ? null : rotational === '1',
    scheduler: inBrackets(await queue('scheduler')),
    writeCache: await queue('write_cache'),
    logicalBlockBytes: positive(await queue('logical_block_size')),
    physicalBlockBytes: positive(await queue('physical_block_size')),
    sizeBytes: positive(await textOf(join(folder, 'size')), SECTOR_BYTES),
  }
}

/** Of `none [mq-deadline] kyber`, the one that is in use. */
function inBrackets(text: string | null): string | null {
  return text === null ? null : (/\[(.+)\]/.exec(text)?.[1] ?? text)
}

function positive(text: string | null, unit = 1): number | null {
  const value = text === null || text === '' ? 0 : Number(text) * unit
  return Number.isSafeInteger(value) && value > 0 ? value : null
}

/** The content of a file without the blanks around it, or `null`. */
async function textOf(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null || text.trim() === '' ? null : text.trim()
}
