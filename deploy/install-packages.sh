#!/usr/bin/env bash
# Installs what Polyscene is built from, where it is missing. Debian 12 or later, or Ubuntu; needs root or sudo only then.
#   --tests  and what its tests run besides: other languages' gRPC clients, NumPy, PostgreSQL and jq
set -euo pipefail

case "$*" in
  "" | --tests) ;;
  *) echo "usage: bash deploy/install-packages.sh [--tests]" >&2; exit 2 ;;
esac

# libopenblas0-openmp, not libopenblas-dev: that one brings the pthread BLAS, which ignores the thread count it is given and
# makes the slowest answers 20 times slower.
packages=(
  g++ cmake ninja-build ccache mold pkg-config
  libtorch-dev libopenblas0-openmp libdnnl-dev
  libgrpc++-dev protobuf-compiler-grpc protobuf-compiler libprotobuf-dev libabsl-dev
  librocksdb-dev prometheus-cpp-dev libcpp-httplib-dev nlohmann-json3-dev libcli11-dev zlib1g-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)

# golang-github-golang-protobuf-1-5-dev: gRPC would take 1.3, too, which does not fit what protoc-gen-go writes.
# PostgreSQL and jq as sources of events. Where services are started on installation, a database server is not put there.
test_packages=(
  jq
  python3-grpcio python3-protobuf python3-numpy
  golang-go golang-google-grpc-dev golang-github-golang-protobuf-1-5-dev golang-google-protobuf-dev
  protoc-gen-go protoc-gen-go-grpc
)
[[ -d /run/systemd/system ]] || test_packages+=(postgresql)
[[ ${1:-} != --tests ]] || packages+=("${test_packages[@]}")

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
else
  missing=("${packages[@]}")
fi
[[ ${#missing[@]} -gt 0 ]] || exit 0

fail() { echo "install-packages.sh: $*" >&2; exit 1; }

system="an unknown system"
if [[ -r /etc/os-release ]]; then
  # shellcheck source=/dev/null
  . /etc/os-release
  system=${PRETTY_NAME:-$ID}
fi
case ${ID:-} in
  debian) [[ -z ${VERSION_ID:-} || ${VERSION_ID%%.*} -ge 12 ]] || fail "this is $system, expected Debian 12 or later, or Ubuntu" ;;
  ubuntu) ;;
  *) fail "this is $system, expected Debian 12 or later, or Ubuntu; elsewhere install what these packages hold: ${missing[*]}" ;;
esac

root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || fail "missing packages and neither root nor sudo to install them: ${missing[*]}"
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; fail "apt-get $1 failed"; }
}
echo "installing ${#missing[@]} packages: ${missing[*]}"
apt_get update
apt_get install -y --no-install-recommends "${missing[@]}"
