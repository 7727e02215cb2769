#include "client/cli/commands.h"

#include <iostream>

#include "absl/strings/str_cat.h"

namespace polyscene::cli {

int Fail(const absl::Status& status) {
  std::cerr << absl::StrCat("polyscene: ", status.message(), " [", absl::StatusCodeToString(status.code()), "]\n");
  return kFailed;
}

int UsedWrongly(absl::string_view explanation) {
  std::cerr << absl::StrCat("polyscene: ", explanation, "\nRun with --help for more information.\n");
  return kUsedWrongly;
}

}  // namespace polyscene::cli
