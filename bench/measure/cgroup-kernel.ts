/** What is asked of the kernel about cgroups. Tests put a tree of ordinary files and folders in its place. */
import { readFileSync, rmdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface CgroupKernel {
  /** The file in the format of `/proc/self/mountinfo`, and the one in the format of `/proc/self/cgroup`. */
  readonly mountInfoPath: string
  readonly ownCgroupPath: string
  read(path: string): Promise<string>
  /** For the moment when the process exits, when nothing can be waited for. */
  readNow(path: string): string
  /** Writes one of the kernel's files. Makes none. */
  write(path: string, text: string): Promise<void>
  /** A folder made in a cgroup file system is a cgroup; the kernel puts files into it. */
  makeFolder(path: string): Promise<void>
  /** Removes a cgroup: its files count for nothing. Fails with EBUSY while processes or cgroups are in it. */
  removeFolderNow(path: string): void
  kill(pid: number): void
  wait(ms: number): Promise<void>
  waitNow(ms: number): void
}

export const cgroupKernel: CgroupKernel = {
  mountInfoPath: '/proc/self/mountinfo',
  ownCgroupPath: '/proc/self/cgroup',
  read: (path) => readFile(path, 'utf8'),
  readNow: (path) => readFileSync(path, 'utf8'),
  // Not 'w', which asks for a new file where a cgroup has gone.
  write: (path, text) => writeFile(path, text, { flag: 'r+' }),
  makeFolder: (path) => mkdir(path),
  removeFolderNow: (path) => rmdirSync(path),
  kill: (pid) => void process.kill(pid, 'SIGKILL'),
  wait: (ms) => sleep(ms),
  waitNow: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
}
