#include "server/rpc/grpc_status.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/batching/retry_hint.h"

namespace polyscene {
namespace {

// Where whoever refused did not say: what is short for a moment (a disk, a GPU's memory) may be there again.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

}  // namespace

std::string CutText(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // Inside a character.
  return absl::StrCat(text.substr(0, end), "...");
}

uint32_t RetryAfterMilliseconds(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return 0;
  return static_cast<uint32_t>(
      absl::ToInt64Milliseconds(absl::Ceil(RetryHint(status).value_or(kRetryAfter), absl::Milliseconds(1))));
}

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::CallbackServerContext* context) {
  if (status.ok()) return grpc::Status::OK;
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    context->AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(RetryAfterMilliseconds(status)));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), CutText(status.message(), kMaxStatusMessageBytes));
}

}  // namespace polyscene
