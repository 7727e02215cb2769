// Tells whether two runs send the same batches.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::cli {

// 8 hexadecimal digits over each file's size, its first and last megabyte, the files in their order, and `settings`:
// whatever else decides which rows become which batches.
absl::StatusOr<std::string> FileIdentity(absl::Span<const std::string> paths, absl::string_view settings);

// What a model file has to do with it: which columns are read as what, and so which lines cannot be sent.
std::string ReadingOf(const v1::ModelFile& model);

}  // namespace polyscene::cli
