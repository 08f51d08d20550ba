import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { childrenCpuSeconds, cpuSeconds } from '../../bench/measure/cpu-time.ts'

describe('CPU time', () => {
  it('has that of processes that have ended in it, and of those that they started', () => {
    const burn = 'const end = Date.now() + 300; while (Date.now() < end);'
    const before = cpuSeconds()
    const { user, system } = process.cpuUsage()
    spawnSync('sh', ['-c', '"$1" -e "$2"; true', 'sh', process.execPath, burn])
    const own = process.cpuUsage({ user, system })
    const childrenSeconds = cpuSeconds() - before - (own.user + own.system) / 1e6
    // 300 ms of a clock on the wall: beside others it is less on the CPU.
    expect(childrenSeconds).toBeGreaterThan(0.05)
  })

  it('is taken from the fields that mean it, whatever the name', () => {
    const stat = '77 (odd) S 1 (name) S 1 2 3 0 -1 6 7 8 9 10 11 12 1300 1401 20 0 11 0 5\n'
    expect(childrenCpuSeconds(stat)).toBe(27.01)
  })

  it('is taken from nothing else', () => {
    for (const text of ['', '77 (name) S 1 2 3', '77 name S 1 2 3 0 -1 6 7 8 9 10 11 12 1300 1401 20']) {
      expect(() => childrenCpuSeconds(text)).toThrow(SyntaxError)
    }
  })
})
