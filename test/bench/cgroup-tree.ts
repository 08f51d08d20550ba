import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CgroupKernel } from '../../bench/measure/cgroup-kernel.ts'
import { temporaryFolder } from '../support/folders.ts'

/** The ways in which the kernel refuses what is asked of it. */
type Refused = 'makeFolder' | 'removeFolder' | 'write'

interface TreeOptions {
  /** As in `/proc/self/cgroup`. */
  readonly own: string
  /** The folder of the hierarchy that is at the mount point, as in a container. */
  readonly root?: string
  /** What the hierarchy's root hands down at first. */
  readonly handedDown?: string
  readonly controllers?: string
}

const memoryStatV2 = `anon 4096
file 8192000
kernel 1000
file_mapped 0
file_dirty 12288
file_writeback 8192
inactive_file 4096000
active_file 4096000
workingset_refault_anon 0
workingset_refault_file 7
`

/** An error as the kernel has them. */
export function fail(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code })
}

/** A tree of ordinary folders and files that keeps the rules of cgroup v2, with this process in one of the folders. */
export class CgroupTree implements CgroupKernel {
  readonly mountPoint: string
  readonly mountInfoPath: string
  readonly ownCgroupPath: string
  /** Processes that were killed, and what was waited for. */
  readonly killed: number[] = []
  readonly waitsMs: number[] = []
  /** Called after each of the waits. */
  onWait = (): void => {}
  private readonly refusals = new Map<Refused, string>()

  constructor(options: TreeOptions) {
    const { own, root = '/', handedDown = '', controllers = 'cpu memory pids' } = options
    const folder = temporaryFolder()
    this.mountPoint = join(folder, 'mounted')
    this.mountInfoPath = join(folder, 'mountinfo')
    this.ownCgroupPath = join(folder, 'cgroup')
    writeFileSync(this.ownCgroupPath, `0::${own}\n`)
    writeFileSync(this.mountInfoPath, `41 31 0:38 ${root} ${this.mountPoint} rw,relatime - cgroup2 cgroup2 rw\n`)
    mkdirSync(this.mountPoint)
    this.fill(this.mountPoint, controllers)
    writeFileSync(join(this.mountPoint, 'cgroup.subtree_control'), handedDown)
    this.makeDownTo(own.slice(root === '/' ? 0 : root.length))
  }

  /** Each call of this kind fails from now on. */
  refuse(what: Refused, code: string): void {
    this.refusals.set(what, code)
  }

  /** A cgroup's folder. */
  folder(path: string): string {
    return join(this.mountPoint, path)
  }

  /** The cgroups below one, by name. */
  below(path: string): string[] {
    return readdirSync(this.folder(path), { withFileTypes: true }).flatMap((each) =>
      each.isDirectory() ? [each.name] : [],
    )
  }

  /** What one of the kernel's files holds. */
  content(...path: string[]): string {
    return readFileSync(join(...path), 'utf8')
  }

  /** Ends a process: it is in no cgroup any more. */
  end(pid: number): void {
    for (const path of readdirSync(this.mountPoint, { recursive: true, encoding: 'utf8' })) {
      if (basename(path) === 'cgroup.procs') this.takeOut(join(this.mountPoint, path), pid)
    }
  }

  read(path: string): Promise<string> {
    return readFile(path, 'utf8')
  }

  readNow(path: string): string {
    return readFileSync(path, 'utf8')
  }

  async write(path: string, text: string): Promise<void> {
    this.refuseIfAsked('write')
    if (basename(path) === 'cgroup.procs') this.move(path, Number(text))
    else if (basename(path).startsWith('memory.')) this.setLimit(path, text)
    else this.handDown(dirname(path), text)
  }

  async makeFolder(path: string): Promise<void> {
    this.refuseIfAsked('makeFolder')
    mkdirSync(path)
    this.fill(path, this.content(dirname(path), 'cgroup.subtree_control'))
  }

  removeFolderNow(path: string): void {
    this.refuseIfAsked('removeFolder')
    if (!existsSync(path)) throw fail('ENOENT')
    if (this.content(path, 'cgroup.procs') !== '') throw fail('EBUSY')
    rmSync(path, { recursive: true })
  }

  kill(pid: number): void {
    this.killed.push(pid)
    this.end(pid)
  }

  async wait(ms: number): Promise<void> {
    this.waitNow(ms)
  }

  waitNow(ms: number): void {
    this.waitsMs.push(ms)
    this.onWait()
  }

  private refuseIfAsked(what: Refused): void {
    const code = this.refusals.get(what)
    if (code !== undefined) throw fail(code)
  }

  /** Makes the cgroups of a path, and puts this process into the last one. */
  private makeDownTo(path: string): void {
    let folder = this.mountPoint
    for (const name of path.split('/').filter((each) => each !== '')) {
      const handedDown = this.content(folder, 'cgroup.subtree_control')
      folder = join(folder, name)
      mkdirSync(folder)
      this.fill(folder, handedDown)
    }
    writeFileSync(join(folder, 'cgroup.procs'), `${process.pid}\n`)
  }

  private fill(folder: string, controllers: string): void {
    writeFileSync(join(folder, 'cgroup.controllers'), controllers)
    writeFileSync(join(folder, 'cgroup.subtree_control'), '')
    writeFileSync(join(folder, 'cgroup.procs'), '')
    if (!controllers.split(' ').includes('memory')) return
    writeFileSync(join(folder, 'memory.stat'), memoryStatV2)
    writeFileSync(join(folder, 'memory.current'), '9000000\n')
    writeFileSync(join(folder, 'memory.max'), 'max\n')
    writeFileSync(join(folder, 'memory.swap.max'), 'max\n')
  }

  private setLimit(path: string, text: string): void {
    if (!existsSync(path)) throw fail('ENOENT')
    writeFileSync(path, text)
  }

  private handDown(folder: string, text: string): void {
    if (text !== '+memory' || !this.content(folder, 'cgroup.controllers').includes('memory')) throw fail('ENOENT')
    // No internal processes. The root is exempt.
    if (folder !== this.mountPoint && this.content(folder, 'cgroup.procs') !== '') throw fail('EBUSY')
    writeFileSync(join(folder, 'cgroup.subtree_control'), 'memory')
  }

  private move(path: string, pid: number): void {
    const folder = dirname(path)
    if (folder !== this.mountPoint && this.content(folder, 'cgroup.subtree_control') !== '') throw fail('EBUSY')
    this.end(pid)
    writeFileSync(path, `${this.content(path)}${pid}\n`)
  }

  private takeOut(path: string, pid: number): void {
    writeFileSync(path, this.content(path).replace(new RegExp(`^${pid}\\n`, 'm'), ''))
  }
}
