import { describe, expect, it } from 'vitest'
import { mountOf, parseMountInfo } from '../../bench/measure/mounts.ts'

const text = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
31 27 7:1 / /mnt/my\\040disk rw,noatime - xfs /dev/loop1 rw,attr2
32 27 0:40 / /mnt/my\\040disk ro - tmpfs hidden\\040one rw

33 27 0:41 broken line
`

describe('parseMountInfo', () => {
  it('reads lines with and without optional fields, and names with blanks', () => {
    const mounts = parseMountInfo(text)
    expect(mounts).toHaveLength(4)
    expect(mounts[1]).toEqual({
      root: '/',
      mountPoint: '/',
      type: 'ext4',
      device: '/dev/vda',
      mountOptions: 'rw,relatime',
      superOptions: 'rw,discard',
    })
    expect(mounts[3]?.device).toBe('hidden one')
  })
})

describe('mountOf', () => {
  const mounts = parseMountInfo(text)

  it('finds the deepest mount above a folder', () => {
    expect(mountOf('/home/me', mounts)?.type).toBe('ext4')
    expect(mountOf('/proc/self', mounts)?.type).toBe('proc')
    expect(mountOf('/', mounts)?.type).toBe('ext4')
  })

  it('takes the later of two mounts at one place', () => {
    expect(mountOf('/mnt/my disk/x', mounts)?.type).toBe('tmpfs')
  })

  it('does not take a longer name for a folder below', () => {
    expect(mountOf('/mnt/my disks', mounts)?.type).toBe('ext4')
    expect(mountOf('/processes', mounts)?.type).toBe('ext4')
  })

  it('finds nothing in an empty list', () => {
    expect(mountOf('/', [])).toBeNull()
  })
})
