import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeSharedMemory, type SharedMemory } from '../../bench/measure/shared-memory.ts'
import { MIB } from '../../bench/units.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { CgroupTree } from './cgroup-tree.ts'
import { withExitListener } from './exit-listener.ts'
import { demandCgroupsInCI, namedCgroup, whyNoCgroup } from './real-cgroup.ts'

demandCgroupsInCI()

const folder = temporaryFolder()
const script = new URL('fixtures/cached-writer.mjs', import.meta.url)
const limitBytes = 48 * MIB
/** Each of both would fit by itself. */
const fileMebibytes = 40

async function made(): Promise<SharedMemory> {
  const shared = await makeSharedMemory(limitBytes)
  if ('why' in shared) throw new Error(shared.why)
  return shared
}

describe.skipIf(whyNoCgroup !== null)(namedCgroup('memory that two processes share'), () => {
  let shared: SharedMemory
  let exit: (code: number) => void
  let children: ChildProcess[]
  beforeEach(async () => {
    ;({ made: shared, exit } = await withExitListener(made, 3))
    children = [shared.writer, shared.neighbour].map(() =>
      fork(script, [freshPath(folder), String(fileMebibytes)], { execArgv: [] }),
    )
    await Promise.all(children.map((child) => once(child, 'spawn')))
    await shared.writer.add(children[0]!.pid!)
    await shared.neighbour.add(children[1]!.pid!)
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await shared.remove()
    expect(existsSync(join(shared.writer.path, '..'))).toBe(false)
  })

  async function write(index: number): Promise<void> {
    const done = once(children[index]!, 'message')
    children[index]!.send('write')
    await done
  }

  it('is counted for each of them, and limited for both: what one writes pushes out what the other has', async () => {
    await write(1)
    const alone = await shared.neighbour.sample()
    expect(alone.cacheBytes).toBeGreaterThan((fileMebibytes / 2) * MIB)
    await write(0)
    const [writer, neighbour] = [await shared.writer.sample(), await shared.neighbour.sample()]
    expect(writer.cacheBytes).toBeGreaterThan(8 * MIB)
    expect(neighbour.cacheBytes).toBeLessThan(alone.cacheBytes)
    expect(writer.usageBytes + neighbour.usageBytes).toBeLessThanOrEqual(limitBytes)
    expect(await shared.oomKills()).toBe(0)
  })

  it('goes when this process exits, with what runs in it', async () => {
    exit(0)
    expect(existsSync(shared.writer.path)).toBe(false)
    expect(existsSync(join(shared.writer.path, '..'))).toBe(false)
  })
})

describe('memory that two processes share, with cgroup v2', () => {
  it('hands the controller down, and sets limits before anybody is in it', async () => {
    const tree = new CgroupTree({ own: '/', handedDown: 'memory' })
    const shared = await makeSharedMemory(limitBytes, tree)
    if ('why' in shared) throw new Error(shared.why)
    const parent = join(shared.writer.path, '..')
    expect(tree.content(parent, 'memory.max')).toBe(String(limitBytes))
    expect(tree.content(parent, 'cgroup.subtree_control')).toContain('memory')
    writeFileSync(join(parent, 'memory.events'), 'low 0\noom 1\noom_kill 3\n')
    expect(await shared.oomKills()).toBe(3)
    await shared.remove()
    expect(existsSync(parent)).toBe(false)
  })

  it('says why where no limit can be set, and leaves nothing', async () => {
    const tree = new CgroupTree({ own: '/', handedDown: 'memory' })
    tree.refuse('write', 'EACCES')
    expect(await makeSharedMemory(limitBytes, tree)).toMatchObject({
      why: expect.stringContaining('no limit can be set'),
    })
    expect(tree.below('/')).toEqual([])
  })
})
