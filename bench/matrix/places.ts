/** The file systems of the matrix. */
import type { Kind } from './loop-file-systems.ts'

export interface PlaceKind {
  readonly name: string
  readonly kind: Kind
  /** `null` where there is no device below. */
  readonly sectorSize: 512 | 4096 | null
}

export const placeKinds: readonly PlaceKind[] = [
  ...(['ext4', 'xfs', 'btrfs'] as const).flatMap((kind) =>
    ([512, 4096] as const).map((sectorSize) => ({ name: `${kind}, ${sectorSize}-byte sectors`, kind, sectorSize })),
  ),
  { name: 'tmpfs', kind: 'tmpfs', sectorSize: null },
  { name: 'overlayfs on ext4', kind: 'overlay', sectorSize: 512 },
]

const MIB = 1024 * 1024
/** What a file system needs for itself, generously: xfs makes its log larger on small disks. */
const OWN_MEBIBYTES = 128
/** xfs makes nothing below 300. */
const MEBIBYTES_MIN = 320

/** How large a file system is in which `bytes` are to be written. */
export function mebibytesFor(bytes: number): number {
  return Math.max(MEBIBYTES_MIN, Math.ceil(bytes / MIB) + OWN_MEBIBYTES)
}
