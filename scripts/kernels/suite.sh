#!/bin/bash
# Run by boot.sh in another kernel: the part of the tests that asks the kernel most, on an ext4 of the machine's own. The addon's
# system calls by both engines, and every strategy on ext4, xfs, btrfs, tmpfs, overlayfs and FUSE, with sectors of 512 and
# 4096 bytes, full, broken, limited and read-only.
set -euo pipefail

checkout=$HOST_ROOT$(cat "$KERNEL/checkout")
modprobe -d "$KERNEL" -a ext4 xfs btrfs loop fuse
mkfs.ext4 -q -F /dev/vda
mkdir /tmp/disk
mount /dev/vda /tmp/disk
export TMPDIR=/tmp/disk TIME_FACTOR=20

# vitest writes beside its configuration, which is readable only.
mkdir /tmp/upper /tmp/scratch /tmp/checkout
mount -t overlay -o "lowerdir=$checkout,upperdir=/tmp/upper,workdir=/tmp/scratch" overlay /tmp/checkout
cd /tmp/checkout

echo "kernel $(uname -r): $(node -p "process.version")"
CI=true npx vitest run --testTimeout=600000 --hookTimeout=600000 --maxWorkers=2 \
  --reporter=default --reporter=json --outputFile.json=/tmp/report.json $(cat "$KERNEL/tests") || status=$?
node -e '
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(require("fs").readFileSync("/tmp/report.json"))
  console.log(`kernel ${require("os").release()}: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} not for it`)'
exit "${status:-0}"
