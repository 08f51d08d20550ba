#!/bin/bash
# Runs tests with the addon built for a sanitizer of GCC's: memory that is not ours, undefined behaviour and leaks, or races between
# threads. Works on a copy; the addon of this folder is left as it is. Before it runs any, it looks whether faults that are made on
# purpose are seen.
#
#   run.sh address|thread TEST...
#
# Exit code 0: all tests passed, and nothing was reported. Needs g++ with its sanitizers, and `npm ci`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

kind=${1:?address or thread}
shift

case $kind in
  address)
    flags='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
    libraries=(libasan.so libubsan.so)
    faults=(overflow use-after-free signed-overflow leak)
    ;;
  thread)
    flags='-fsanitize=thread'
    libraries=(libtsan.so)
    faults=(race)
    ;;
  *)
    echo "address or thread, not $kind" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reports=$work/reports
mkdir "$reports"
git ls-files -z | xargs -0 cp --parents -t "$work"
ln -s "$PWD/node_modules" "$work/node_modules"
mkdir "$work/faulty"
cp "$here/faulty.cc" "$work/faulty"
cat >"$work/faulty/binding.gyp" <<EOF
{ "targets": [{ "target_name": "faulty", "sources": ["faulty.cc"],
  "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
  "cflags_cc": ["-std=c++17"] }] }
EOF

build() { (cd "$1" && CXXFLAGS="$flags -fno-omit-frame-pointer -g -O1" LDFLAGS="$flags" npx node-gyp rebuild --silent -j max >&2); }
build "$work" 2>"$work/built" && build "$work/faulty" 2>>"$work/built" || { cat "$work/built" >&2; exit 1; }
cd "$work"
npx tsc -p src

# Node has no sanitizer in it: that has to be there before Node's own allocator, and knows only of what the addon does.
preload=""
for library in "${libraries[@]}"; do preload="$preload:$(gcc -print-file-name="$library")"; done
watched() {
  env LD_PRELOAD="${preload#:}" \
    ASAN_OPTIONS="log_path=$reports/of" LSAN_OPTIONS=exitcode=0 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS="log_path=$reports/of:ignore_noninstrumented_modules=1:exitcode=0" "$@" 2>&1 | tee "$work/output"
}

# Undefined behaviour is told where the process writes its errors. Leaks count when the memory was asked for by the addon: Node
# leaves some to the end of the process.
findings() {
  grep -a -A5 'runtime error:' "$work/output" || true
  { grep -rL LeakSanitizer "$reports" || true; } | xargs -r cat
  { grep -rl LeakSanitizer "$reports" || true; } | xargs -r cat | awk 'BEGIN { RS = ""; FS = "\n"; ORS = "\n\n" }
    /leak of/ { for (i = 2; i <= 4 && i <= NF; i++) if ($i ~ /native\/|faulty\.cc/) { print; break } }'
}

for fault in "${faults[@]}"; do
  watched node -e "require('./faulty/build/Release/faulty.node').commit('$fault')" >/dev/null || true
  if [ -z "$(findings)" ]; then
    echo "$kind: does not see $fault made on purpose" >&2
    exit 1
  fi
  rm -f "$reports"/*
done
echo "$kind: sees ${faults[*]} made on purpose"

status=0
watched node node_modules/vitest/vitest.mjs run "$@" || status=$?
found=$(findings)
if [ -n "$found" ]; then
  echo "$found"
  status=1
fi
echo "$kind: $(grep -cE '^SUMMARY|^(Direct|Indirect) leak|runtime error:' <<<"$found" || true) reports"
exit "$status"
