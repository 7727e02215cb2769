#!/usr/bin/env bash
# Serving on a GPU: builds model/ with its tests and bench against a LibTorch for CUDA, runs the tests on the first GPU against
# the reference on the CPU, and prints the table: a line a row, what, figure, target, and ok or short. Wants no root, no gRPC and
# no CUDA compiler: a C++20 compiler, NVIDIA's driver, and a PyTorch or LibTorch 2.1 or later with CUDA. What else is missing is
# built from pinned sources below build/gpu; the headers of CUDA's runtime, without a toolkit, are taken from NVIDIA's wheels.
#   LIBTORCH=DIR   folder with include/ and lib/ [that of python3's torch]
#   ARCHIVES=DIR   where the sources' archives lie already, by the names below: nothing is downloaded then
#   --cpu          does it all on the CPU, to see that the script itself works; the rows of the table are skipped
# Exit status: 0 done; 1 failed; 77 there is no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() { echo "tests/gpu: $*" >&2; exit 1; }
case "$*" in
  "") device=cuda:0 bench_flags=() ;;
  --cpu) device=cpu bench_flags=(--seconds 2 --rate 20) ;;
  *) echo "usage: bash tests/gpu/run.sh [--cpu]" >&2; exit 2 ;;
esac
if [[ $device != cpu ]] && ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
  echo "tests/gpu: no GPU: nvidia-smi lists none; nothing was built or run" >&2
  exit 77
fi

build=build/gpu
prefix=$PWD/$build/prefix
mkdir -p "$build/sources" "$prefix"
export PATH=$prefix/bin:$PATH

libtorch=${LIBTORCH:-$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')} ||
  fail "no LibTorch: set LIBTORCH to a folder with include/ and lib/, or install PyTorch for python3"
[[ -e $libtorch/lib/libtorch_cpu.so ]] || fail "LIBTORCH=$libtorch: expected lib/libtorch_cpu.so in it"
[[ $device == cpu || -e $libtorch/lib/libtorch_cuda.so ]] || fail "LIBTORCH=$libtorch was built without CUDA"

# A file that includes LibTorch takes a gigabyte to compile: no more at once than memory holds.
memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
jobs=$(nproc)
((jobs <= memory_gb)) || jobs=$((memory_gb > 1 ? memory_gb : 1))

if ! cmake --version 2>/dev/null | awk 'NR == 1 {split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25))}'; then
  python3 -m pip install --quiet --target "$prefix/python" cmake || fail "no CMake 3.25 or later, and pip brought none"
  export PATH=$prefix/python/bin:$PATH PYTHONPATH=$prefix/python${PYTHONPATH:+:$PYTHONPATH}
fi
generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi

has() { echo "#include <$1>" | "${CXX:-c++}" -std=c++20 -I"$prefix/include" -x c++ -fsyntax-only - 2>/dev/null; }  # HEADER

# Builds and installs a package from its source, unless its header is there.
bring() {  # HEADER ARCHIVE SHA256 URL CMAKE-ARGUMENTS...
  local header=$1 archive=$2 sha256=$3 url=$4 source
  shift 4
  if has "$header"; then return; fi
  source=$build/sources/${archive%.tar.gz}
  echo "== $header is missing: building $archive"
  if [[ -n ${ARCHIVES:-} ]]; then
    cp "$ARCHIVES/$archive" "$build/sources/"
  else
    curl -fsSL --retry 3 -o "$build/sources/$archive" "$url"
  fi
  echo "$sha256  $build/sources/$archive" | sha256sum --check --quiet || fail "$archive is not the one that was pinned"
  rm -rf "$source" && mkdir "$source"
  tar -xzf "$build/sources/$archive" -C "$source" --strip-components 1
  cmake -S "$source" -B "$source/build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_CXX_STANDARD=20 -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DBUILD_SHARED_LIBS=OFF "$@" >"$source.log" 2>&1 &&
    cmake --build "$source/build" -j "$jobs" --target install >>"$source.log" 2>&1 ||
    { tail -20 "$source.log" >&2; fail "$archive could not be built; all of it is in $source.log"; }
}
github=https://github.com
bring zlib.h zlib-1.3.1.tar.gz 9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23 \
  $github/madler/zlib/releases/download/v1.3.1/zlib-1.3.1.tar.gz -DZLIB_BUILD_EXAMPLES=OFF
bring absl/status/statusor.h abseil-cpp-20230125.2.tar.gz 9a2b5752d7bfade0bdeee2701de17c9480620f8b237e1964c1b9967c75374906 \
  $github/abseil/abseil-cpp/archive/20230125.2.tar.gz -DABSL_PROPAGATE_CXX_STD=ON -DBUILD_TESTING=OFF
bring google/protobuf/message.h protobuf-3.21.12.tar.gz 930c2c3b5ecc6c9c12615cf5ad93f1cd6e12d0aba862b572e076259970ac3a53 \
  $github/protocolbuffers/protobuf/archive/refs/tags/v3.21.12.tar.gz -Dprotobuf_BUILD_TESTS=OFF
bring nlohmann/json.hpp json-3.11.2.tar.gz d69f9deb6a75e2580465c6c4c5111b89c4dc2fa94e3a85fcd2ffcd9a143d9273 \
  $github/nlohmann/json/archive/refs/tags/v3.11.2.tar.gz -DJSON_BuildTests=OFF
bring gmock/gmock.h googletest-1.14.0.tar.gz 8ad598c73ad796e0d8280b082cebd82a630d73e73cd3c70057938a6501bba5d7 \
  $github/google/googletest/archive/refs/tags/v1.14.0.tar.gz
bring dnnl.hpp oneDNN-2.7.3.tar.gz a50993aa6265b799b040fe745e0010502f9f7103cc53a9525d59646aef006633 \
  $github/oneapi-src/oneDNN/archive/refs/tags/v2.7.3.tar.gz -DDNNL_LIBRARY_TYPE=STATIC -DDNNL_CPU_RUNTIME=SEQ \
  -DDNNL_BUILD_TESTS=OFF -DDNNL_BUILD_EXAMPLES=OFF -DONEDNN_ENABLE_WORKLOAD=INFERENCE "-DONEDNN_ENABLE_PRIMITIVE=MATMUL;REORDER"

# CUDA's headers, for the one file that needs them: a toolkit's, or those of wheels of LibTorch's own CUDA.
headers=()
there=$(find -L "${CUDA_HOME:-/usr/local/cuda}/include" "$libtorch/../nvidia" -path '*/crt/host_defines.h' -print -quit 2>/dev/null || true)
if [[ -e $libtorch/lib/libtorch_cuda.so && -z $there ]]; then
  case $(grep -aom1 'libcudart\.so\.1[0-9]' "$libtorch/lib/libtorch_cuda.so") in
    *.12) wheels=(nvidia-cuda-runtime-cu12 nvidia-cuda-nvcc-cu12) ;;
    *.13) wheels=('nvidia-cuda-runtime==13.*' 'nvidia-cuda-crt==13.*') ;;
    *) fail "no headers of CUDA's runtime: set CUDA_HOME to a toolkit's folder" ;;
  esac
  echo "== CUDA's headers are missing: ${wheels[*]}"
  python3 -m pip install --quiet --no-deps --upgrade --target "$prefix/cuda" "${wheels[@]}"
  for header in cuda_runtime_api.h crt/host_defines.h; do
    found=$(find "$prefix/cuda" -path "*/include/$header" -print -quit)
    [[ -n $found ]] || fail "$header is not in ${wheels[*]}"
    headers+=("${found%/"$header"}")
  done
  headers=(-DCUDA_RUNTIME_INCLUDE_DIR="${headers[0]}" -DCUDA_CRT_INCLUDE_DIR="${headers[1]}")
fi

echo "== building against $libtorch"
# CUDA's own libraries are found when a program starts, by libtorch_cuda.so; the linker need not know them.
cmake -S . -B $build/polyscene "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DPOLYSCENE_SERVER=OFF -DPOLYSCENE_LIBTORCH="$libtorch" \
  -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined "${headers[@]}"
cmake --build $build/polyscene -j "$jobs" --target model_device_test device_bench

echo "== tests on $device against the reference on the CPU"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$build/polyscene/bin/model_device_test 2>&1 | tee "$log" || fail "a test failed"
if [[ $device != cpu ]] && grep -q 'no GPU' "$log"; then fail "the driver shows a GPU that LibTorch does not see"; fi

echo "== bench"
$build/polyscene/bin/device_bench --device $device "${bench_flags[@]}" 2>&1 | tee "$log" || fail "the bench failed"
echo "== table"
sed -n 's/^row | //p' "$log"
