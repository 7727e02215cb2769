# Compiler settings and the two functions every folder uses.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12))
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # g++ 12 sees overlaps in std::string's own operator+ (GCC bug 105651).
endif()
if(POLYSCENE_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(POLYSCENE_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
endif()

# polyscene_library(NAME SOURCES ... [PUBLIC targets...] [PRIVATE targets...] [TORCH])
# A folder's library. Includes start at the repository root. TORCH: uses LibTorch, through one precompiled header for all.
function(polyscene_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(ARG_TORCH)
    polyscene_use_torch(${name})
  endif()
endfunction()

# polyscene_test(NAME SOURCES ... [LIBS targets...] [TORCH] [LABELS ...])
# A GoogleTest program, each of its cases known to ctest. Its own files are not optimised in a release either: they compile in
# two thirds of the time, and what is timed lies in the benchmarks.
function(polyscene_test name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  if(ARG_TORCH)
    target_link_libraries(${name} PRIVATE polyscene_torch)
    target_precompile_headers(${name} REUSE_FROM polyscene_torch_test_pch)
  endif()
  # One ctest entry a program: starting a process that loads LibTorch costs half a second a case.
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
endfunction()

# LibTorch's include paths and libraries for one target, and the shared precompiled header: a file that includes LibTorch costs
# 14 seconds without it and 4 with it.
function(polyscene_use_torch target)
  target_link_libraries(${target} PRIVATE polyscene_torch)
  target_precompile_headers(${target} REUSE_FROM polyscene_torch_pch)
endfunction()
