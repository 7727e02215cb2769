// Tells whether two runs send the same batches.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace polyscene::cli {

// 8 hexadecimal digits over the file's size, its first and last megabyte, and `options` (whatever else decides how rows
// become batches). Standard input ("-") counts by its options alone.
absl::StatusOr<std::string> FileIdentity(const std::string& path, absl::Span<const int64_t> options);

}  // namespace polyscene::cli
