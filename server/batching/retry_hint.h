// How an error says when to try again.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyscene {

// `status`, an error, with the hint that a retry may succeed `after` that long.
absl::Status WithRetryHint(absl::Status status, absl::Duration after);

// What WithRetryHint() gave it.
std::optional<absl::Duration> RetryHint(const absl::Status& status);

}  // namespace polyscene
