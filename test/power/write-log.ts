import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/**
 * What a recorder wrote down of a block device, in the format of Linux's dm-log-writes: a superblock { magic, version, entries,
 * sector size }, then entries { sector, sectors, flags, data length }, each followed by what was written. Little endian, each
 * part padded to a sector. See Documentation/admin-guide/device-mapper/log-writes.rst of the kernel.
 */

const magic = 0x6a736677736872n
const flushFlag = 1
const fuaFlag = 2
const discardFlag = 4

export interface LogEntry {
  /** In bytes, on the device. */
  readonly offset: number
  readonly length: number
  /** Whether all that was written before it is durable when it is done. */
  readonly flushes: boolean
  /** Whether itself is durable when it is done. */
  readonly durable: boolean
  readonly discards: boolean
  /** Where in the log the bytes are. */
  readonly dataAt: number
}

const sectorBytes = 512

/** The same write, sector by sector: what a device does at once. */
export function sectorsOf(entry: LogEntry): LogEntry[] {
  if (entry.discards) return []
  return Array.from({ length: entry.length / sectorBytes }, (_, index) => {
    const at = index * sectorBytes
    return { ...entry, offset: entry.offset + at, dataAt: entry.dataAt + at, length: sectorBytes }
  })
}

/** How many entries a log has by now. The recorder says it with each flush. */
export function entriesIn(logPath: string): number {
  const log = openSync(logPath, 'r')
  try {
    const superblock = Buffer.alloc(32)
    readSync(log, superblock, 0, 32, 0)
    if (superblock.readBigUInt64LE(0) !== magic) throw new Error(`${logPath} is no log of writes`)
    return Number(superblock.readBigUInt64LE(16))
  } finally {
    closeSync(log)
  }
}

export function readLog(logPath: string): LogEntry[] {
  const count = entriesIn(logPath)
  const log = openSync(logPath, 'r')
  try {
    const head = Buffer.alloc(32)
    readSync(log, head, 0, 32, 0)
    const sectorSize = head.readUInt32LE(24)
    const entries: LogEntry[] = []
    let at = sectorSize
    for (let i = 0; i < count; i++) {
      readSync(log, head, 0, 32, at)
      const flags = Number(head.readBigUInt64LE(16))
      const discards = (flags & discardFlag) !== 0
      const length = Number(head.readBigUInt64LE(8)) * sectorSize
      entries.push({
        offset: Number(head.readBigUInt64LE(0)) * sectorSize,
        length,
        flushes: (flags & flushFlag) !== 0,
        durable: (flags & fuaFlag) !== 0,
        discards,
        dataAt: at + sectorSize,
      })
      at += sectorSize + (discards ? 0 : length)
    }
    return entries
  } finally {
    closeSync(log)
  }
}

/** Brings an image to where the device was after some of the entries. */
export class Replay {
  readonly #log: number

  constructor(logPath: string) {
    this.#log = openSync(logPath, 'r')
  }

  apply(entries: readonly LogEntry[], imagePath: string): void {
    const image = openSync(imagePath, 'r+')
    try {
      for (const { offset, length, discards, dataAt } of entries) {
        // What was discarded may still be there: a device need not forget it.
        if (discards || length === 0) continue
        const bytes = Buffer.allocUnsafe(length)
        readSync(this.#log, bytes, 0, length, dataAt)
        writeSync(image, bytes, 0, length, offset)
      }
    } finally {
      closeSync(image)
    }
  }

  /** Whether it is a write of a file that counts up, each byte one more than the one before it but for the last of 251. */
  holdsPattern({ length, discards, dataAt }: LogEntry): boolean {
    if (discards || length < 4096) return false
    const bytes = Buffer.allocUnsafe(1024)
    readSync(this.#log, bytes, 0, 1024, dataAt)
    return bytes.subarray(1).every((byte, i) => byte === ((bytes[i] as number) % 251) + 1)
  }

  close(): void {
    closeSync(this.#log)
  }
}
