#include "server/batching/retry_hint.h"

#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr char kPayload[] = "polyscene/retry_after_microseconds";

}  // namespace

absl::Status WithRetryHint(absl::Status status, absl::Duration after) {
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(absl::ToInt64Microseconds(after))));
  return status;
}

std::optional<absl::Duration> RetryHint(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  int64_t microseconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &microseconds)) return std::nullopt;
  return absl::Microseconds(microseconds);
}

}  // namespace polyscene
