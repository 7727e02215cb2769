#include "server/rpc/grpc_status.h"

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// A full queue is about a second's work, so some of it is free after this long.
constexpr char kRetryAfterMilliseconds[] = "100";

}  // namespace

std::string CutText(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // Inside a character.
  return absl::StrCat(text.substr(0, end), "...");
}

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::CallbackServerContext* context) {
  if (status.ok()) return grpc::Status::OK;
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    context->AddTrailingMetadata("grpc-retry-pushback-ms", kRetryAfterMilliseconds);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), CutText(status.message(), kMaxStatusMessageBytes));
}

}  // namespace polyscene
