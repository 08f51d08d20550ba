/** A memory cgroup of its own for one run: what page cache the kernel charges to the run, whoever's files it holds. */
import { join } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'
import { type CgroupKernel, cgroupKernel } from './cgroup-kernel.ts'
import { permissionV2, placeV2 } from './memory-cgroup-v2.ts'
import { type MemorySample, readMemory } from './memory-stat.ts'
import { type OwnCgroup, ownMemoryCgroup, whyReadOnly } from './own-cgroup.ts'
import type { WhyNot } from './why-not.ts'

export type { MemorySample }

export interface MemoryCgroup {
  readonly version: 1 | 2
  /** Its folder. */
  readonly path: string
  /**
   * Moves a process into it, with all its threads and whatever it starts from now on. What it has charged so far stays
   * with the cgroup it comes from.
   *
   * @throws {RangeError} for a number that is no process's, and for this process, which could not remove its own cgroup.
   * @throws ESRCH when the process has ended, EACCES when it may not be moved.
   */
  add(pid: number): Promise<void>
  /** @throws what the kernel says, and an error when its files do not hold what they should. */
  sample(): Promise<MemorySample>
  /**
   * Removes it; processes in it must have ended. One that was killed just now is waited for. What is still charged
   * counts for the cgroup above alone from now on. May be called again.
   *
   * Not called, the cgroup is removed when this process exits, and what runs in it then is killed. A signal that nobody
   * handles, as SIGKILL, leaves it there.
   *
   * @throws EBUSY when a process is in it for longer than 5 seconds.
   */
  remove(): Promise<void>
}

/** Tells the benchmark's cgroups from others, for a person who finds one. */
const NAME_PREFIX = 'uncached-io-run-'

/** How often a removal is tried again: the end of a process takes a few milliseconds as a rule. */
const RETRY_EVERY_MS = 10
/** 5 s: a killed process has gigabytes to free, and waits for the disk to take the writes in flight. */
const REMOVAL_TRIES_MAX = 500
/** 1 s: nothing else happens in this process meanwhile. */
const EXIT_TRIES_MAX = 100

/** Makes names differ within this process. */
let madeCount = 0

/**
 * Makes a cgroup in this process's own one, so that limits which hold for this process hold in it, too. (With v2 it may be
 * beside it: see {@link placeV2}.)
 *
 * @param name goes into the folder's name: letters, digits, `.`, `-` and `_`.
 * @returns the reason where that is not possible, with what a person can do about it.
 */
export async function makeMemoryCgroup(
  name: string,
  kernel: CgroupKernel = cgroupKernel,
): Promise<MemoryCgroup | WhyNot> {
  if (!/^[\w.-]+$/.test(name)) throw new RangeError(`not the name of a cgroup: ${JSON.stringify(name)}`)
  const own = await ownMemoryCgroup(kernel)
  if ('why' in own) return own
  const place = own.version === 1 ? own.folder : await placeV2(own, kernel)
  if (typeof place !== 'string') return place
  const path = join(place, `${NAME_PREFIX}${name}-${process.pid}-${++madeCount}`)
  try {
    await kernel.makeFolder(path)
  } catch (error) {
    return whyNotMade(path, place, own, error)
  }
  return new CgroupFolder(own.version, path, kernel)
}

/**
 * Makes a cgroup in one that was made before. No limits but those above hold in it.
 *
 * @throws what the kernel says
 */
export async function makeCgroupIn(
  { version, path }: MemoryCgroup,
  name: string,
  kernel: CgroupKernel = cgroupKernel,
): Promise<MemoryCgroup> {
  const folder = join(path, name)
  await kernel.makeFolder(folder)
  return new CgroupFolder(version, folder, kernel)
}

/** How a person permits cgroups to be made in `folder`. Its new folders belong to whoever makes them. */
function permissionV1(folder: string): string {
  return `run the benchmark as root, or let root do \`chown ${process.getuid?.() ?? 'USER'} ${folder}\``
}

function whyNotMade(path: string, place: string, own: OwnCgroup, error: unknown): WhyNot {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return {
        why: `no cgroup may be made in ${place}: ${own.version === 1 ? permissionV1(place) : permissionV2(own)}`,
      }
    case 'EROFS':
      return whyReadOnly(own)
    case 'EEXIST':
      return { why: `${path} is there already, left by a benchmark that was killed: remove it with rmdir` }
    default:
      return { why: `no cgroup can be made in ${place}: ${messageOf(error)}` }
  }
}

class CgroupFolder implements MemoryCgroup {
  constructor(
    readonly version: 1 | 2,
    readonly path: string,
    private readonly kernel: CgroupKernel,
  ) {
    // Those that are in another one are made after it, and have to be gone before it.
    process.prependListener('exit', this.removeAtExit)
  }

  async add(pid: number): Promise<void> {
    // To the kernel, 0 is whoever writes it.
    if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) {
      throw new RangeError(`process ${pid} cannot be moved into a cgroup`)
    }
    await this.kernel.write(join(this.path, 'cgroup.procs'), String(pid))
  }

  async sample(): Promise<MemorySample> {
    return await readMemory(this.version, this.path, this.kernel)
  }

  async remove(): Promise<void> {
    for (let tries = 1; !this.isRemoved(tries === REMOVAL_TRIES_MAX); tries++) await this.kernel.wait(RETRY_EVERY_MS)
    process.off('exit', this.removeAtExit)
  }

  /** @returns `false` when something is in it still and there is another try. @throws what is in the way otherwise. */
  private isRemoved(isLastTry: boolean): boolean {
    try {
      this.kernel.removeFolderNow(this.path)
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') return true
      if (code !== 'EBUSY' || isLastTry) throw error
      return false
    }
  }

  private readonly removeAtExit = (): void => {
    try {
      for (let tries = 1; !this.isRemoved(tries === EXIT_TRIES_MAX); tries++) {
        this.killAll()
        this.kernel.waitNow(RETRY_EVERY_MS)
      }
    } catch (error) {
      // Thrown on, it would keep others from cleaning up.
      process.stderr.write(`the cgroup ${this.path} could not be removed: ${messageOf(error)}\n`)
    }
  }

  private killAll(): void {
    for (const line of this.kernel.readNow(join(this.path, 'cgroup.procs')).split('\n')) {
      const pid = Number(line)
      // 0 stands for a process of another PID namespace; to kill() it would be the whole process group.
      if (pid > 0) this.killOne(pid)
    }
  }

  private killOne(pid: number): void {
    try {
      this.kernel.kill(pid)
    } catch (error) {
      // It ended meanwhile.
      if (codeOf(error) !== 'ESRCH') throw error
    }
  }
}
