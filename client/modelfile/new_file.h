// A small file that is there whole or not at all.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Writes `text` under a temporary name beside `path` and renames it. kAlreadyExists: `path` is there and `replace` is
// not set; kNotFound, kPermissionDenied, kUnavailable: the system refused. Nothing is left behind then.
absl::Status WriteNewFile(const std::string& path, absl::string_view text, bool replace);

}  // namespace polyscene
