#!/usr/bin/env bash
# From nothing to a server that has learned: installs what is missing, builds, starts a server, streams events with live progress and
# evaluation, prints a ranked answer, stops the server.
#
#   bash deploy/quickstart.sh                                   the simulated marketplace
#   bash deploy/quickstart.sh EVENTS.csv[.gz] MODEL.textproto   your events, your model
#
#   POLYSCENE_EVALUATE_FROM=TIME  evaluates only the events from then on (default: all)
#   POLYSCENE_DATA_DIR=DIR        keeps what was learned there (default: a temporary directory, removed at the end)
#   POLYSCENE_SKIP_INSTALL=1      installs nothing
set -euo pipefail

usage() { echo "usage: bash deploy/quickstart.sh [EVENTS.csv[.gz] MODEL.textproto]" >&2; exit 2; }
fail() { echo "quickstart.sh: $*" >&2; exit 1; }

[[ $# -eq 0 || $# -eq 2 ]] || usage
events=""
model=deploy/models/marketplace.textproto
if [[ $# -eq 2 ]]; then
  for file in "$@"; do [[ -f $file && -r $file ]] || fail "cannot read '$file', expected a file"; done
  events=$(realpath "$1")
  model=$(realpath "$2")
fi
[[ -z ${POLYSCENE_DATA_DIR:-} ]] || POLYSCENE_DATA_DIR=$(realpath -m "$POLYSCENE_DATA_DIR")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# ---- whatever happens, nothing is left behind -------------------------------------------------------------------------
work=$(mktemp -d)
server=""
client=""
set -m  # Each program in a process group of its own, so that it can be stopped with all it started.
stop() {  # PID SECONDS: asks its group to end, and insists after that long.
  kill -TERM -- "-$1" 2>/dev/null || return 0
  local deadline=$((SECONDS + $2))
  while kill -0 -- "-$1" 2>/dev/null; do
    ((SECONDS < deadline)) || { kill -KILL -- "-$1" 2>/dev/null || true; break; }
    sleep 0.1
  done
  wait "$1" 2>/dev/null || true
}
clean() {
  trap '' INT TERM HUP
  set +m  # No word about what is stopped.
  [[ -z $client ]] || stop "$client" 5
  [[ -z $server ]] || stop "$server" 30
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# In the background and waited for, so that a signal is acted on at once.
run() {
  "$@" &
  client=$!
  local status=0
  wait "$client" || status=$?
  client=""
  return "$status"
}

# ---- set-up -----------------------------------------------------------------------------------------------------------
step() { printf '\n== %s\n' "$*"; }

step "Set-up: packages, then the programs in build/release/bin"
[[ ${POLYSCENE_SKIP_INSTALL:-0} == 1 ]] || bash deploy/install-packages.sh  # In the foreground: sudo may ask.
memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)  # One compiler may take a gigabyte.
jobs=$(nproc)
((jobs <= memory_gb)) || jobs=$((memory_gb > 1 ? memory_gb : 1))
run cmake --preset release >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; fail "configuring failed"; }
run cmake --build --preset release -j "$jobs" --target polyscene-server polyscene || fail "the build failed"
bin=$PWD/build/release/bin

# ---- the server ---------------------------------------------------------------------------------------------------------
step "Server: $model"
data=${POLYSCENE_DATA_DIR:-$work/data}
: >"$work/server.out"
"$bin/polyscene-server" --model "$model" --data_dir "$data" --listen 127.0.0.1:0 --metrics_listen 127.0.0.1:0 \
  >"$work/server.out" 2>"$work/server.log" &
server=$!
server_fails() { cat "$work/server.out" "$work/server.log" >&2; fail "the server $1"; }

# The server says where it listens once it does, and what it serves once it can answer.
deadline=$((SECONDS + 120))
until grep -q '^serving version ' "$work/server.out"; do
  kill -0 "$server" 2>/dev/null || server_fails "did not start"
  ((SECONDS < deadline)) || server_fails "did not serve within two minutes"
  sleep 0.1
done
cat "$work/server.out"
address=$(sed -n 's/^listening on //p' "$work/server.out")
metrics=$(sed -n 's/^metrics on //p' "$work/server.out")
[[ -n $address && -n $metrics ]] || server_fails "did not say where it listens"
polyscene() { run "$bin/polyscene" --server "$address" "$@"; }

# ---- learn, ask, look -----------------------------------------------------------------------------------------------------
if [[ -n $events ]]; then
  step "Events: each is scored, then learned, while the server answers"
  polyscene stream "$events" --evaluate_from "${POLYSCENE_EVALUATE_FROM:-0}"
  # The first rows of the first row's scene, as if they were candidates to be scored now.
  scene_column=$(sed -n 's/.*scene_column: *"\([^"]*\)".*/\1/p' "$model")
  { zcat -f "$events" || true; } 2>/dev/null | head -n 1000 >"$work/head.csv"
  awk -F, -v name="${scene_column:-scene}" -v scene_file="$work/scene" '
    { sub(/\r$/, "") }
    NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) column = i; print; next }
    NR == 2 && column { scene = $column; print scene >scene_file }
    (!column || $column == scene) && ++rows <= 8' "$work/head.csv" >"$work/rows.csv"
  scene=()
  [[ ! -s $work/scene ]] || scene=(--scene "$(cat "$work/scene")")
  step "A ranked answer: the file's first rows"
  polyscene predict "$work/rows.csv" "${scene[@]}"
else
  step "Events: a simulated marketplace; each is scored, then learned, while the server answers"
  polyscene simulate --stream
  polyscene simulate --requests 1 --candidates 8 --out "$work/request.csv" >/dev/null
  step "A ranked answer: one request of the marketplace"
  polyscene predict "$work/request.csv" --scene recommendation
fi

step "Status"
polyscene status

step "Metrics: $metrics"
host_port=${metrics#http://}
host_port=${host_port%%/*}
# Without curl, which need not be there.
fetch='exec 3<>"/dev/tcp/${1%:*}/${1##*:}"; printf "GET /metrics HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" "$1" >&3; cat <&3'
run timeout 10 bash -c "$fetch" fetch "$host_port" >"$work/metrics.txt" || fail "cannot read $metrics"
tr -d '\r' <"$work/metrics.txt" >"$work/metrics"
grep -m 10 -E '^polyscene_(model_version|learned_offset|task_auc|events_learned_total)' "$work/metrics" ||
  fail "$metrics lacks polyscene_model_version and the like"

step "To go on by hand"
kept=${POLYSCENE_DATA_DIR:-DIR}
cat <<TEXT
  build/release/bin/polyscene-server --model ${model#"$PWD"/} --data_dir $kept
  build/release/bin/polyscene stream EVENTS.csv --evaluate_from 0
  build/release/bin/polyscene predict ROWS.csv --scene SCENE
  build/release/bin/polyscene status
TEXT
