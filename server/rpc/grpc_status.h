// The one place where a Status becomes a gRPC status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace polyscene {

// gRPC's clients take 8 KiB of metadata by default, and percent-encoding may make three bytes of one.
inline constexpr size_t kMaxStatusMessageBytes = 2000;

// Codes are the same on both sides. The message is cut to what fits beside other metadata; with RESOURCE_EXHAUSTED, the
// call gets a hint of when to retry (trailing metadata "grpc-retry-pushback-ms", which gRPC's own retries obey). Before
// Finish().
grpc::Status ToGrpcStatus(const absl::Status& status, grpc::CallbackServerContext* context);

// When to try again what ended with `status`: 1 or more with RESOURCE_EXHAUSTED, else 0.
uint32_t RetryAfterMilliseconds(const absl::Status& status);

// `text` without what is beyond `max_bytes`; cuts no UTF-8 character in two.
std::string CutText(absl::string_view text, size_t max_bytes);

}  // namespace polyscene
