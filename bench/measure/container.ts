/** Whether this runs in a container, or in a virtual machine, as far as that shows. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { textOf } from './text-of.ts'

/** Names in the first process's cgroup that only a container's manager gives. */
const cgroupSigns: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/kubepods/, 'kubernetes'],
  [/\/docker[/-]/, 'docker'],
  [/libpod/, 'podman'],
  [/\/lxc/, 'lxc'],
]

/** @returns what kind of container, or `null` where none was seen. A plain one shows nothing. @param root for tests */
export function containerKind(root = '/', env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return 'kubernetes'
  const cgroups = textOf(join(root, 'proc/1/cgroup')) ?? ''
  const sign = cgroupSigns.find(([pattern]) => pattern.test(cgroups))
  if (sign !== undefined) return sign[1]
  // systemd, podman and others tell the first process by this variable.
  const [, told] = /(?:^|\0)container=([^\0]+)/.exec(textOf(join(root, 'proc/1/environ')) ?? '') ?? []
  if (told !== undefined) return told
  if (existsSync(join(root, 'run/.containerenv'))) return 'podman'
  // Images that were made by docker keep the file when they are booted as virtual machines.
  return existsSync(join(root, '.dockerenv')) ? 'docker (by /.dockerenv)' : null
}

/** Whether the CPU says that a hypervisor is below; `null` where it does not say. */
export function isVirtualMachine(root = '/'): boolean | null {
  const [, flags] = /^flags\s*:(.*)$/m.exec(textOf(join(root, 'proc/cpuinfo')) ?? '') ?? []
  return flags === undefined ? null : /\bhypervisor\b/.test(flags)
}
