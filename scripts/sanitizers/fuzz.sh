#!/bin/bash
# Fuzzes the native parts that ask nothing of Node, under AddressSanitizer and UndefinedBehaviorSanitizer, each for
# FUZZ_SECONDS (20). Before it, each has to find a fault that is made on purpose.
#
# Exit code 0: the faults were found, and nothing else. Needs clang with libFuzzer (Debian: clang-14, libclang-rt-14-dev).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
native=$here/../../native
seconds=${FUZZ_SECONDS:-20}
compiler=$(command -v clang++ clang++-14 | head -1 || true)
if [ -z "$compiler" ]; then
  echo "fuzz: needs clang (Debian: apt-get install clang-14 libclang-rt-14-dev)" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME SOURCE [OPTION]
build() {
  "$compiler" -std=c++17 -g -O1 -fno-sanitize-recover=undefined -fsanitize=fuzzer,address,undefined ${3:-} \
    "$here/fuzz_$1.cc" "$native/$2.cc" -o "$work/$1${3:-}"
}

# run NAME SECONDS: a bounded run, from the same numbers each time.
run() {
  local corpus=$work/corpus-$1
  mkdir -p "$corpus"
  (cd "$work" && timeout $(($2 + 60)) "./$1" -seed=20261130 -max_total_time="$2" -max_len=512 -timeout=30 \
    -artifact_prefix="$work/$1-" -print_final_stats=1 "$corpus" 2>&1)
}

# fuzz NAME SOURCE
fuzz() {
  build "$1" "$2"
  build "$1" "$2" -DFAULTY
  if run "$1-DFAULTY" 120 >"$work/faulty.log"; then
    echo "fuzz $1: does not find the fault made on purpose" >&2
    exit 1
  fi
  if ! run "$1" "$seconds" >"$work/run.log"; then
    tail -60 "$work/run.log"
    echo "fuzz $1: found something" >&2
    exit 1
  fi
  echo "fuzz $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/run.log") inputs in $seconds s, nothing found;" \
    "the fault made on purpose was found after $(grep -ao '^#[0-9]*' "$work/faulty.log" | tail -1 | tr -d '#')"
}

fuzz memory cache_bypass
fuzz ring ring
