// `polyscene`, run as its users run it.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyscene::cli {

struct Ran {
  int exit_status = -1;
  std::string out;
  std::string err;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file of the test's own.
inline std::string TestPath(const std::string& name) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "/",
                                          ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name(),
                                          ".", ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::create_directories(folder);
  return absl::StrCat(folder, "/", name);
}

// Runs `polyscene` with what a shell makes of `arguments`; `before` may be "some command | ".
inline Ran Polyscene(const std::string& arguments, const std::string& before = "") {
  const std::string out = TestPath("out"), err = TestPath("err");
  const int status =
      std::system(absl::StrCat(before, POLYSCENE_PROGRAM, " ", arguments, " >", out, " 2>", err).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out), ReadFile(err)};
}

}  // namespace polyscene::cli
