import { expect, test } from 'vitest'
import { type MemoryCgroup, makeMemoryCgroup } from '../../bench/measure/memory-cgroup.ts'

/** Why memory cgroups can't be made here; null when they can. */
export const whyNoCgroup: string | null = await reasonAgainst()

async function reasonAgainst(): Promise<string | null> {
  const made = await makeMemoryCgroup('attempt')
  if ('why' in made) return made.why
  await made.remove()
  return null
}

/** The name of a group of tests, with the reason for which it does not run. */
export function namedCgroup(name: string): string {
  return whyNoCgroup === null ? name : `${name} (skipped: ${whyNoCgroup})`
}

/** With CI=true nothing may be skipped: a test that fails instead. */
export function demandCgroupsInCI(): void {
  test('memory cgroups can be made here, or nobody demands it', () => {
    if (process.env.CI === 'true') expect(whyNoCgroup).toBeNull()
  })
}

export async function madeCgroup(name: string): Promise<MemoryCgroup> {
  const made = await makeMemoryCgroup(name)
  if ('why' in made) throw new Error(made.why)
  return made
}
