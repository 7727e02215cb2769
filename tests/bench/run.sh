#!/usr/bin/env bash
# Builds the benches and runs those behind the table of targets, one after the other; then prints the table, a line a row: what, figure (median of the pairs, 90 % interval), target, and ok, short, skipped (reason) or failed.
#   POLYSCENE_BUILD=DIR  takes the programs that are built there and builds nothing
# Wants a machine that does nothing else, two cores and 12 GB of memory. Exit status 1: a bench failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

benches=(forward_bench learning_step_bench allocation_bench rpc_bench end_to_end_bench swap_latency_bench serving_first_bench swap_bench gather_bench)
build=${POLYSCENE_BUILD:-build/release}
if [[ -z ${POLYSCENE_BUILD:-} ]]; then
  cmake --preset release >/dev/null
  known=$(cmake --build --preset release --target help)
  targets=()
  for bench in "${benches[@]}"; do
    if grep -q "^$bench:" <<<"$known"; then targets+=("$bench"); fi
  done
  cmake --build --preset release --target "${targets[@]}"
fi

rows=$(mktemp)
log=$(mktemp)
trap 'rm -f "$rows" "$log"' EXIT
failed=0

# Runs a bench and keeps the rows that it prints. Each further argument is "WHAT|TARGET" of a row that it should print: where
# the program is not there, or fails, these stand in the table without a figure.
bench() {  # NAME ROW...
  local name=$1 verdict row
  shift
  if [[ ! -x $build/bin/$name ]]; then
    verdict="skipped (not built)"
  else
    echo "== $name"
    if "$build/bin/$name" 2>&1 | tee "$log"; then
      grep '^row | ' "$log" >>"$rows" && return
    fi
    verdict="failed"
    failed=1
  fi
  for row in "$@"; do echo "row | ${row%%|*} | - | ${row#*|} | $verdict" >>"$rows"; done
}

# The rows of the GPU where its script ended with this status and without them.
gpu_rows() {  # STATUS
  local verdict="failed"
  if (($1 == 77)); then verdict="skipped (no GPU)"; fi
  for row in 'GPU: forward of 4,096 rows over its limit, fp32|<= 2x' 'GPU: forward of 4,096 rows over its limit, bf16|<= 2x' \
             'GPU: p99 of 500 candidates at 5,000 requests a second|<= 1 ms'; do
    echo "row | ${row%%|*} | - | ${row#*|} | $verdict" >>"$rows"
  done
}

bench forward_bench \
  'forward fp32 over LibTorch eager, 100 candidates|>= 3x' 'forward bf16 over LibTorch eager, 100 candidates|>= 5.5x' \
  'forward fp32 over LibTorch eager, 500 candidates|>= 2.7x' 'forward bf16 over LibTorch eager, 500 candidates|>= 5x' \
  'forward fp32 over its arithmetic limit, 500 candidates|<= 1.15x'
bench rpc_bench 'server CPU of a one-candidate Predict outside the forward, over an echo|<= 1.35x'
bench end_to_end_bench 'end to end fp32, requests a second over Python|>= 4.5x' 'end to end fp32, p99 over Python|<= 0.25x' \
  'end to end bf16, requests a second over Python|>= 7x'
bench learning_step_bench 'learning step over LibTorch autograd and Adagrad by hand|>= 1.35x'
bench swap_latency_bench 'p99 with a swap every second over none, open loop at 60 % load|<= 1.05x'
bench serving_first_bench 'p99 with the trainer learning flat out over paused, open loop at 50 % load of one core|<= 1.25x' \
  'idle cycles that the trainer gets|>= 60 %'
bench swap_bench 'publish, table of 10 million rows, 10,000 touched|<= 20 ms' 'publish, 50 million rows against 10 million|<= 1.5x' \
  'resident memory over 10000 swaps under load, last tenth over second|<= 1.02x' \
  'p99 of 100 candidates over 10000 swaps, last tenth over second|<= 1.05x'
bench gather_bench 'embedding gather of random rows, table of 50 million|>= 60 %'
bench allocation_bench 'heap allocations of a Predict after warm-up in encode, batch and forward|<= 0'
# The GPU's rows have a script of their own, which builds for it.
gpu_status=0
bash tests/gpu/run.sh 2>&1 | tee "$log" || gpu_status=${PIPESTATUS[0]}
((gpu_status == 0 || gpu_status == 77)) || failed=1
grep '^row | ' "$log" >>"$rows" || gpu_rows "$gpu_status"

echo "== $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ *//'), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
sed 's/^row | //' "$rows"
exit "$failed"
