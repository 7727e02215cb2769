// The program itself, run as its users run it.
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

// A file of the running test alone.
inline std::string TestPath(const std::string& name) {
  const ::testing::TestInfo* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string folder =
      absl::StrCat(::testing::TempDir(), "/client_cli_test.", test->test_suite_name(), ".", test->name());
  std::filesystem::create_directories(folder);
  return absl::StrCat(folder, "/", name);
}

inline Ran Polyscene(const std::string& arguments) {
  const std::string out = TestPath("out"), err = TestPath("err");
  const int status = std::system(absl::StrCat(POLYSCENE_PROGRAM, " ", arguments, " >", out, " 2>", err).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out), ReadFile(err)};
}

}  // namespace polyscene::cli
