import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type MemoryCgroup, makeMemoryCgroup } from '../../bench/measure/memory-cgroup.ts'
import { CgroupTree, fail } from './cgroup-tree.ts'
import { withExitListener } from './exit-listener.ts'

// On a tree of ordinary files that keeps the rules of cgroup v2.

/** A number that no process has: above what Linux gives (2^22). */
const otherPid = 99_999_999

async function made(tree: CgroupTree): Promise<MemoryCgroup> {
  const cgroup = await makeMemoryCgroup('run', tree)
  if ('why' in cgroup) throw new Error(cgroup.why)
  return cgroup
}

/** Where the benchmark may make cgroups as it likes: in the root of the hierarchy. */
const inRoot = () => new CgroupTree({ own: '/' })

describe('a memory cgroup, version 2', () => {
  it('is made in the root of the hierarchy, which hands the controller down in spite of its processes', async () => {
    const tree = inRoot()
    const cgroup = await made(tree)
    expect(cgroup.version).toBe(2)
    expect(dirname(cgroup.path)).toBe(tree.mountPoint)
    expect(basename(cgroup.path)).toMatch(new RegExp(`^uncached-io-run-run-${process.pid}-\\d+$`))
    expect(tree.content(tree.mountPoint, 'cgroup.subtree_control')).toBe('memory')
    await cgroup.remove()
    expect(tree.below('/')).toEqual([])
  })

  it('tells what is charged', async () => {
    const cgroup = await made(inRoot())
    expect(await cgroup.sample()).toEqual({
      cacheBytes: 8_192_000,
      usageBytes: 9_000_000,
      inactiveFileBytes: 4_096_000,
      activeFileBytes: 4_096_000,
      workingSetBytes: 4_904_000,
      refaultedPages: 7,
      dirtyBytes: 12_288,
      writebackBytes: 8192,
    })
    await cgroup.remove()
  })

  it('does not take numbers for zero that are missing or are none', async () => {
    const cgroup = await made(inRoot())
    const stat = join(cgroup.path, 'memory.stat')
    writeFileSync(stat, 'file 1\ninactive_file 2\nactive_file 3\n')
    expect(await cgroup.sample()).toMatchObject({ cacheBytes: 1, dirtyBytes: null, refaultedPages: null })
    writeFileSync(stat, 'file 1\ninactive_file 2\nactive_file 3\nworkingset_refault 4\n')
    expect(await cgroup.sample(), 'its older name').toMatchObject({ refaultedPages: 4 })
    writeFileSync(stat, 'file_dirty 1\ninactive_file 2\n')
    await expect(cgroup.sample()).rejects.toThrow(`${stat} has no line file`)
    writeFileSync(stat, 'file 1\ninactive_file max\n')
    await expect(cgroup.sample()).rejects.toThrow(`${stat}: inactive_file is not a number: "max"`)
    await cgroup.remove()
    await expect(cgroup.sample()).rejects.toThrow('ENOENT')
  })

  it('takes processes in, and never this one or everybody', async () => {
    const tree = inRoot()
    const cgroup = await made(tree)
    await cgroup.add(otherPid)
    expect(tree.content(cgroup.path, 'cgroup.procs')).toBe(`${otherPid}\n`)
    for (const pid of [0, -1, 1.5, Number.NaN, process.pid]) await expect(cgroup.add(pid)).rejects.toThrow(RangeError)
    tree.end(otherPid)
    await cgroup.remove()
  })

  it('has a name that is one of a folder', async () => {
    for (const name of ['', 'a/b', '../up', 'a b'])
      await expect(makeMemoryCgroup(name, inRoot())).rejects.toThrow(RangeError)
  })

  it('differs from another of the same name', async () => {
    const tree = inRoot()
    const [one, other] = [await made(tree), await made(tree)]
    expect(one.path).not.toBe(other.path)
    await one.remove()
    expect(existsSync(other.path)).toBe(true)
    await other.remove()
  })
})

describe('where processes are in the own cgroup', () => {
  it('none is made, and a command says how a person makes a place', async () => {
    const tree = new CgroupTree({ own: '/user.slice/a.scope', handedDown: 'memory' })
    writeFileSync(join(tree.folder('/user.slice'), 'cgroup.subtree_control'), 'memory')
    writeFileSync(join(tree.folder('/user.slice/a.scope'), 'cgroup.controllers'), 'memory pids\n')
    const refused = await makeMemoryCgroup('run', tree)
    expect(refused).toMatchObject({ why: expect.stringContaining(`as ${tree.folder('/user.slice/a.scope')} has`) })
    expect(refused).toMatchObject({
      why: expect.stringMatching(/`systemd-run (--user )?--scope -p Delegate=yes sh -c '/),
    })
    // Not beside it either: it may have limits that hold for the benchmark.
    expect(tree.below('/user.slice')).toEqual(['a.scope'])
    expect(tree.below('/user.slice/a.scope')).toEqual([])
  })

  it('one is made beside a cgroup that was made for the benchmark', async () => {
    const tree = new CgroupTree({ own: '/a.scope/uncached-io-bench' })
    writeFileSync(join(tree.folder('/a.scope'), 'cgroup.controllers'), 'memory pids\n')
    const cgroup = await made(tree)
    expect(dirname(cgroup.path)).toBe(tree.folder('/a.scope'))
    expect(tree.content(tree.folder('/a.scope'), 'cgroup.subtree_control')).toBe('memory')
    await cgroup.remove()
    expect(tree.below('/a.scope')).toEqual(['uncached-io-bench'])
  })

  it('none is made above what a container is shown', async () => {
    const tree = new CgroupTree({ own: '/a.scope/uncached-io-bench', root: '/a.scope/uncached-io-bench' })
    const cgroup = await made(tree)
    expect(dirname(cgroup.path)).toBe(tree.mountPoint)
    await cgroup.remove()
  })
})

describe('what is in the way of a memory cgroup, version 2', () => {
  it.each(['cpu pids', ''])('is told: no memory controller, but "%s"', async (controllers) => {
    const tree = new CgroupTree({ own: '/', controllers })
    const refused = await makeMemoryCgroup('run', tree)
    const has = controllers === '' ? 'none' : 'cpu, pids'
    const text = `${tree.mountPoint} is not given the memory controller (it has ${has})`
    expect(refused).toMatchObject({ why: expect.stringContaining(text) })
  })

  it.each([
    ['write', 'EACCES', 'cgroup.subtree_control cannot be written to (EACCES: refused): run it as in `systemd-run'],
    ['write', 'EROFS', 'is mounted read-only, as in containers: run outside of one, or in a privileged one'],
    ['makeFolder', 'EROFS', 'is mounted read-only, as in containers: run outside of one, or in a privileged one'],
    ['makeFolder', 'EACCES', ': run it as in `systemd-run'],
    ['makeFolder', 'EPERM', ': run it as in `systemd-run'],
    ['makeFolder', 'EEXIST', 'is there already, left by a benchmark that was killed: remove it with rmdir'],
    ['makeFolder', 'EAGAIN', ': EAGAIN: refused'],
  ] as const)('is told: %s fails with %s', async (what, code, text) => {
    const tree = inRoot()
    tree.refuse(what, code)
    const refused = await makeMemoryCgroup('run', tree)
    expect(refused).toMatchObject({ why: expect.stringContaining(text) })
    expect(refused).toMatchObject({ why: expect.stringContaining(tree.mountPoint) })
  })

  it('is told: the cgroup has gone', async () => {
    const tree = inRoot()
    writeFileSync(tree.ownCgroupPath, '0::/gone (deleted)\n')
    const text = 'gone (deleted)/cgroup.controllers cannot be read (ENOENT)'
    expect(await makeMemoryCgroup('run', tree)).toMatchObject({ why: expect.stringContaining(text) })
  })
})

describe('removing', () => {
  it('waits for the end of a process that is in it', async () => {
    const tree = inRoot()
    const cgroup = await made(tree)
    await cgroup.add(otherPid)
    tree.onWait = () => tree.waitsMs.length === 3 && tree.end(otherPid)
    await cgroup.remove()
    expect(tree.waitsMs).toEqual([10, 10, 10])
    expect(existsSync(cgroup.path)).toBe(false)
    expect(tree.killed).toEqual([])
  })

  it('gives up after five seconds, and is tried again at the exit', async () => {
    const tree = inRoot()
    const { made: cgroup, exit } = await withExitListener(() => made(tree))
    await cgroup.add(otherPid)
    await expect(cgroup.remove()).rejects.toMatchObject({ code: 'EBUSY' })
    expect(tree.waitsMs.reduce((sum, ms) => sum + ms)).toBeCloseTo(5000, -2)
    exit(0)
    expect(existsSync(cgroup.path)).toBe(false)
    await cgroup.remove()
  })

  it('fails at once when it is not allowed', async () => {
    const tree = inRoot()
    const { made: cgroup, exit } = await withExitListener(() => made(tree))
    tree.refuse('removeFolder', 'EPERM')
    await expect(cgroup.remove()).rejects.toMatchObject({ code: 'EPERM' })
    expect(tree.waitsMs).toEqual([])
    process.off('exit', exit)
  })

  it('may be done again, and leaves nothing to be done at the exit', async () => {
    const before = process.listeners('exit')
    const cgroup = await made(inRoot())
    await cgroup.remove()
    await cgroup.remove()
    expect(process.listeners('exit')).toEqual(before)
  })
})

describe('when this process exits', () => {
  it('the cgroup is removed, and what runs in it is killed', async () => {
    const tree = inRoot()
    const { made: cgroup, exit } = await withExitListener(() => made(tree))
    await cgroup.add(otherPid)
    exit(0)
    expect(tree.killed).toEqual([otherPid])
    expect(existsSync(cgroup.path)).toBe(false)
    await cgroup.remove()
  })

  it('no process is killed that has another PID namespace, or ended meanwhile', async () => {
    const tree = inRoot()
    const { made: cgroup, exit } = await withExitListener(() => made(tree))
    writeFileSync(join(cgroup.path, 'cgroup.procs'), `0\n${otherPid}\n`)
    const kill = vi.spyOn(tree, 'kill').mockImplementation(() => {
      throw fail('ESRCH')
    })
    tree.onWait = () => writeFileSync(join(cgroup.path, 'cgroup.procs'), '')
    exit(0)
    expect(kill.mock.calls).toEqual([[otherPid]])
    expect(existsSync(cgroup.path)).toBe(false)
    await cgroup.remove()
  })

  it('a cgroup that cannot be removed is told of, and keeps nothing else from being done', async () => {
    const tree = inRoot()
    const { made: cgroup, exit } = await withExitListener(() => made(tree))
    tree.refuse('removeFolder', 'EBUSY')
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    exit(0)
    const texts = written.mock.calls.map(([text]) => text)
    written.mockRestore()
    expect(texts).toEqual([`the cgroup ${cgroup.path} could not be removed: EBUSY: refused\n`])
    expect(tree.waitsMs.reduce((sum, ms) => sum + ms)).toBeCloseTo(1000, -2)
    process.off('exit', exit)
  })
})
