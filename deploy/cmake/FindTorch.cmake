# LibTorch: the system's, or, with POLYSCENE_LIBTORCH, one unpacked from a zip of pytorch.org, by its files alone: its own CMake
# package wants a whole CUDA toolkit to be installed, of which nothing here is compiled with.
set(POLYSCENE_LIBTORCH "" CACHE PATH "Folder of a LibTorch from pytorch.org, with or without CUDA; empty: the system's")
if(NOT POLYSCENE_LIBTORCH)
  find_package(Torch CONFIG REQUIRED)
  return()
endif()

set(config ${POLYSCENE_LIBTORCH}/share/cmake/Torch/TorchConfig.cmake)
if(EXISTS ${config})
  file(STRINGS ${config} old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(old_abi)
    message(FATAL_ERROR "${POLYSCENE_LIBTORCH} is built for the ABI before C++11; expected a zip with cxx11-abi in its name")
  endif()
endif()
find_path(TORCH_INCLUDE_DIR ATen/ATen.h PATHS ${POLYSCENE_LIBTORCH}/include NO_DEFAULT_PATH)
set(TORCH_INCLUDE_DIRS ${TORCH_INCLUDE_DIR} ${TORCH_INCLUDE_DIR}/torch/csrc/api/include)
set(TORCH_LIBRARIES "")
find_library(TORCH_torch_cpu_LIBRARY torch_cpu PATHS ${POLYSCENE_LIBTORCH}/lib NO_DEFAULT_PATH)
find_library(TORCH_c10_LIBRARY c10 PATHS ${POLYSCENE_LIBTORCH}/lib NO_DEFAULT_PATH)
find_library(TORCH_torch_cuda_LIBRARY torch_cuda PATHS ${POLYSCENE_LIBTORCH}/lib NO_DEFAULT_PATH)
set(TORCH_LIBRARIES ${TORCH_torch_cpu_LIBRARY} ${TORCH_c10_LIBRARY})
if(TORCH_torch_cuda_LIBRARY)
  # Nothing refers to it: its operators make themselves known once it is loaded. One word, because CMake sorts words.
  list(APPEND TORCH_LIBRARIES -Wl,--push-state,--no-as-needed,${TORCH_torch_cuda_LIBRARY},--pop-state)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Torch
  REQUIRED_VARS TORCH_INCLUDE_DIR TORCH_torch_cpu_LIBRARY TORCH_c10_LIBRARY
  REASON_FAILURE_MESSAGE "expected include/ and lib/ of an unpacked LibTorch in POLYSCENE_LIBTORCH=${POLYSCENE_LIBTORCH}")
