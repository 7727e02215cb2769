#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test; then the server's threads once more under ThreadSanitizer.
#   POLYSCENE_SKIP_INSTALL=1  installs nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ ${POLYSCENE_SKIP_INSTALL:-0} == 1 ]] || bash deploy/install-packages.sh --tests

# A file that includes LibTorch takes a gigabyte to compile: no more at once than memory holds.
memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
jobs=$(nproc)
((jobs <= memory_gb)) || jobs=$((memory_gb > 1 ? memory_gb : 1))

build() {  # PRESET [TARGET...]
  local preset=$1
  shift
  echo "== building $preset"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
}

# Runs ctest, keeps its summary, goes on after a failure so that all of them are seen.
failed=0
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
run() {  # NAME CTEST-ARGUMENTS...
  local name=$1 log
  shift
  log=$(mktemp)
  echo "== testing $name"
  ctest "$@" 2>&1 | tee "$log" || failed=1
  { echo "== $name"; sed -n '/tests passed/,$p' "$log"; } >>"$summary"
  rm -f "$log"
}

build release
run release --preset release

# LibTorch cannot be seen into by ThreadSanitizer; all of the server's threads are there without it.
rooms=(sync eventlog joiner snapshot training batching rpc)
tests=()
for room in "${rooms[@]}"; do tests+=("server_${room}_test"); done
build tsan "${tests[@]}"
run tsan --preset tsan -R "^($(IFS='|'; echo "${tests[*]}"))$"

echo
cat "$summary"
exit "$failed"
