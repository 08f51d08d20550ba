#!/bin/bash
# What CI does with the time of minutes, with that of three hours or so: the whole proof, a million random calls, kills by
# the hundred, power cuts by the thousand, a hundred thousand files, sanitizers, fuzzing, mutants, other kernels. Bounded;
# prints its figures.
# Numbers can be given: MODEL_OPERATIONS, MODEL_SEED, CRASHES, CRASH_SEED, POWER_CUTS, POWER_SEED, CYCLES, FUZZ_SECONDS.
#
# Exit code 0: all of it held.
set -uo pipefail
cd "$(dirname "$0")/.."

export MODEL_OPERATIONS="${MODEL_OPERATIONS:-1000000}" CRASHES="${CRASHES:-400}" POWER_CUTS="${POWER_CUTS:-1000}"
export CYCLES="${CYCLES:-100000}" FUZZ_SECONDS="${FUZZ_SECONDS:-60}"
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
part "$CYCLES files opened, written and closed" 3600 npm test -- test/memory/cycles.test.ts

# Of the random calls fewer: they take ten times as long.
for sanitizer in address thread; do
  part "writers and addon, sanitizer: $sanitizer" 3600 env MODEL_OPERATIONS=5000 scripts/sanitizers/run.sh "$sanitizer" \
    test/{native,writer,fault,model}/ test/process/{teardown,rings,engine}.test.ts test/write-{stream,file}.test.ts \
    --exclude test/native/addon.test.ts --testTimeout=300000
done
part "mutants of the pure files" 1800 npm run --silent test:mutants
part "other kernels" 7200 npm run --silent test:kernels
part "fuzzing" 900 scripts/sanitizers/fuzz.sh
exit "$status"
