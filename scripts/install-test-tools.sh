#!/bin/bash
# Installs what the tests need from Debian. Does nothing, and asks nobody, when all of it is there.
#
# Exit code 0: all tools are there. 1: some are missing and can't be installed; they are named.
set -euo pipefail

# mkfs and losetup stand in sbin, which is not in everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"

# command:package
tools=(
  mkfs.ext4:e2fsprogs
  mkfs.xfs:xfsprogs
  xfs_io:xfsprogs
  findmnt:util-linux
  mkfs.btrfs:btrfs-progs
  losetup:mount
  mount:mount
  fallocate:util-linux
  nm:binutils
  cc:gcc
  setpriv:util-linux
  prlimit:util-linux
  strace:strace
  fio:fio
  bindfs:bindfs
  promtool:prometheus
  prometheus:prometheus
  chromium:chromium
  qemu-storage-daemon:qemu-system-common
)

missing_packages() {
  local tool
  for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || echo "${tool#*:}"
  done | sort -u
}

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -eq 0 ]; then
  echo "test tools: all there"
  exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "test tools: missing, and only root on Debian can install them here: ${missing[*]}" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "test tools: installing ${missing[*]}"
install=(apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
export DEBIAN_FRONTEND=noninteractive
# The package lists may be old or not there: they are fetched only when installing without doing so fails.
if ! "${install[@]}" "${missing[@]}" >/dev/null 2>&1; then
  apt-get update -qq
  "${install[@]}" "${missing[@]}" >/dev/null
fi

mapfile -t missing < <(missing_packages)
if [ "${#missing[@]}" -ne 0 ]; then
  echo "test tools: still missing after installing: ${missing[*]}" >&2
  exit 1
fi
echo "test tools: all there"
