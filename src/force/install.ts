import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { askedWrite, askedWritev } from './arguments.ts'
import { type AskedWrite, areUnderWay, forceWrite, forceWriteSync, settled, settleSync } from './forced-writes.ts'
import { type AnyFunction, replace } from './replace.ts'
import { writeFile, writeFileCallback, writeFileSync, writeHandle } from './whole-files.ts'

type Asked = (parameters: readonly unknown[]) => AskedWrite | null

/**
 * Replaces what writes in node:fs, for everybody in this thread who imports it from now on or has the module itself.
 * The streams write by fs.write and FileHandle's methods, and are left as they are.
 */
export async function install(): Promise<void> {
  const handles = await prototypeOfHandles()
  for (const [name, asked] of [
    ['write', askedWrite],
    ['writev', askedWritev],
  ] as const) {
    replace(fs, name, withCallback(asked))
    replace(fs, `${name}Sync`, sync(asked))
    replace(handles, name, ofHandle(asked, name === 'write' ? 'buffer' : 'buffers'))
  }
  for (const [name, flag] of [
    ['writeFile', 'w'],
    ['appendFile', 'a'],
  ] as const) {
    replace(fs, name, writeFileCallback(flag))
    replace(fs, `${name}Sync`, writeFileSync(flag))
    replace(fs.promises, name, writeFile(flag))
    replace(handles, name, writeHandle)
  }
  for (const name of looking) {
    replace(fs, name, afterWrites)
    replace(fs, `${name}Sync`, afterWritesSync)
    replace(fs.promises, name, afterWritesAsync)
  }
  for (const name of lookingHandles) replace(handles, name, afterWritesAsync)
  syncBuiltinESMExports()
}

/** The class is not exported. */
async function prototypeOfHandles(): Promise<FileHandle> {
  const handle = await fs.promises.open('/dev/null', 'r')
  await handle.close()
  return Object.getPrototypeOf(handle) as FileHandle
}

/** fs.write(fd, ..., callback) */
function withCallback(asked: Asked): (original: AnyFunction) => AnyFunction {
  return (original) =>
    function (...parameters) {
      return wasForced(asked, parameters) ? undefined : original.apply(this, parameters)
    }
}

function wasForced(asked: Asked, [descriptor, ...parameters]: readonly unknown[]): boolean {
  const at = parameters.findIndex((parameter) => typeof parameter === 'function')
  const write = at < 0 ? null : asked(parameters.slice(0, at))
  const written = write && forceWrite(descriptor, write)
  if (written === null) return false
  const callback = parameters[at] as (error: unknown, bytes: number, data: unknown) => void
  // By nextTick, so that what the callback throws is not taken for a rejection.
  written.then(
    (bytes) => process.nextTick(callback, null, bytes, parameters[0]),
    (error: unknown) => process.nextTick(callback, error, 0, parameters[0]),
  )
  return true
}

/** fs.writeSync(fd, ...) */
function sync(asked: Asked): (original: AnyFunction) => AnyFunction {
  return (original) =>
    function (...parameters) {
      const [descriptor, ...rest] = parameters
      const write = asked(rest)
      return (write && forceWriteSync(descriptor, write)) ?? original.apply(this, parameters)
    }
}

/** handle.write(...) */
function ofHandle(asked: Asked, data: 'buffer' | 'buffers'): (original: AnyFunction) => AnyFunction {
  return (original) =>
    async function (...parameters) {
      const write = asked(parameters)
      const written = write && forceWrite((this as FileHandle).fd, write)
      if (written === null) return await original.apply(this, parameters)
      return { bytesWritten: await written, [data]: parameters[0] }
    }
}

/**
 * What shows a file's content or length, or changes it, waits for the writes called for before: while the last block is
 * on its way, the file ends in zeros that nobody wrote.
 */
const lookingHandles = ['read', 'readv', 'readFile', 'stat', 'truncate', 'sync', 'datasync', 'close']
const reading = ['read', 'readv', 'readFile', 'stat', 'lstat', 'fstat', 'copyFile', 'cp']
const looking = [...reading, 'truncate', 'ftruncate', 'fsync', 'fdatasync', 'close']

function afterWrites(original: AnyFunction): AnyFunction {
  return function (...parameters) {
    if (!areUnderWay()) return original.apply(this, parameters)
    return void settled().then(() => process.nextTick(() => original.apply(this, parameters)))
  }
}

function afterWritesSync(original: AnyFunction): AnyFunction {
  return function (...parameters) {
    if (areUnderWay()) settleSync()
    return original.apply(this, parameters)
  }
}

function afterWritesAsync(original: AnyFunction): AnyFunction {
  return async function (...parameters) {
    if (areUnderWay()) await settled()
    return await original.apply(this, parameters)
  }
}
