#!/bin/bash
# Runs suite.sh in Debian's kernels 6.1 and 6.12, emulated, each in about half an hour. Neither has RWF_DONTCACHE, 6.1 has no
# cachestat. KERNELS="6.1" runs it in one of them; KERNEL_TESTS names other tests.
#
# Exit code 0: all tests passed in all of them.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
for version in ${KERNELS:-6.1 6.12}; do
  scripts/kernels/fetch.sh "$version" "$work/$version"
  pwd >"$work/$version/checkout"
  echo "${KERNEL_TESTS:-test/native/ test/filesystem/}" >"$work/$version/tests"
  TIME_LIMIT_S="${TIME_LIMIT_S:-3600}" scripts/kernels/boot.sh "$work/$version" scripts/kernels/suite.sh || status=$?
done
exit "$status"
