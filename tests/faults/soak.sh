#!/usr/bin/env bash
# The crash proof in its long form: builds what it needs and kills a server 1,000 times (or --kills N) while producers stream.
# Exit status 0: nothing was lost, nothing learned twice, and all weights are bit-equal to those of uninterrupted runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target crash_soak polyscene-server polyscene-train >/dev/null
exec build/release/bin/crash_soak "$@"
