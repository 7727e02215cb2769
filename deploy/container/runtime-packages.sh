#!/usr/bin/env bash
# Prints the Debian packages whose shared libraries the given programs load, one a line: what a machine that only runs them needs.
# Taken from what is loaded here, so that the BLAS is the one that was built and tested with.
#
#   bash deploy/container/runtime-packages.sh build/release/bin/polyscene-server build/release/bin/polyscene
set -euo pipefail
[[ $# -gt 0 ]] || { echo "usage: runtime-packages.sh PROGRAM..." >&2; exit 2; }

libraries=$(for program in "$@"; do ldd "$program"; done)
if grep 'not found' <<<"$libraries" >&2; then exit 1; fi
# Outside of the system's folders lies what no package holds: a LibTorch from pytorch.org.
mapfile -t files < <(awk '$2 == "=>" && $3 ~ /^(\/usr)?\/lib\// {print $3}' <<<"$libraries" | sort -u | xargs -r readlink -f)
# "PACKAGE:ARCHITECTURE: FILE" a line. A package may know its file without /usr, which Debian 12 made a link.
owners=$(dpkg-query --search "${files[@]}" "${files[@]#/usr}" 2>/dev/null) || true
unknown=$(comm -13 <(sed -E 's/^[^ ]+ (\/usr)?//' <<<"$owners" | sort -u) <(printf '%s\n' "${files[@]#/usr}" | sort -u))
[[ -z $unknown ]] || { echo "runtime-packages.sh: no package holds ${unknown//$'\n'/ }" >&2; exit 1; }
sed 's/:.*//' <<<"$owners" | sort -u
