/** What the kernel knows of a disk: Documentation/ABI/stable/sysfs-block. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Environment } from '../schema/environment.ts'
import type { BlockDevice } from './device-io.ts'
import { textOf } from './text-of.ts'

const SECTOR_BYTES = 512

/** @param device may be a partition, whose disk it is then about */
export async function describeDisk({ statPath }: BlockDevice): Promise<Environment['disk']> {
  const own = await realpath(dirname(statPath))
  // A partition's folder is in that of its disk, which has the queue.
  const isPartition = textOf(join(own, 'partition')) !== null
  const folder = isPartition ? dirname(own) : own
  const queue = (name: string) => textOf(join(folder, 'queue', name))
  const rotational = queue('rotational')
  return {
    name: basename(folder),
    model: textOf(join(folder, 'device', 'model')),
    rotational: rotational === null ? null : rotational === '1',
    scheduler: inBrackets(queue('scheduler')),
    writeCache: queue('write_cache'),
    logicalBlockBytes: positive(queue('logical_block_size')),
    physicalBlockBytes: positive(queue('physical_block_size')),
    sizeBytes: positive(textOf(join(folder, 'size')), SECTOR_BYTES),
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
