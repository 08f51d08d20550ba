#!/bin/bash
# What CI does with the time of minutes, with that of an hour or so: the whole proof, a million random calls, kills by
# the hundred and power cuts by the thousand. Bounded; prints its figures. Numbers can be given: MODEL_OPERATIONS, MODEL_SEED, CRASHES, CRASH_SEED,
# POWER_CUTS, POWER_SEED.
#
# Exit code 0: all of it held.
set -uo pipefail
cd "$(dirname "$0")/.."

export MODEL_OPERATIONS="${MODEL_OPERATIONS:-1000000}" CRASHES="${CRASHES:-400}" POWER_CUTS="${POWER_CUTS:-1000}"
status=0

# part NAME SECONDS_MAX COMMAND...
part() {
  local name=$1 limit=$2 begun=$SECONDS
  shift 2
  echo "== $name"
  timeout "$limit" "$@" || { status=$?; echo "== $name: FAILED ($status)"; }
  echo "== $name: $((SECONDS - begun)) s"
}

part "proof and faulty sources" 1800 npm run --silent verify
part "$MODEL_OPERATIONS random calls" 5400 npm test -- test/model/model.test.ts
part "$CRASHES kills for each strategy and engine" 5400 npm test -- test/process/killed.test.ts --testTimeout=3600000
part "$POWER_CUTS power cuts for each file system" 5400 npm test -- test/power
exit "$status"
