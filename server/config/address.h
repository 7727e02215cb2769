// Network addresses as people write them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene {

struct HostPort {
  std::string host;  // Without the brackets of an IPv6 address.
  int port = 0;      // 0: any free one.

  // Whether only this machine can reach it: localhost, 127.x.x.x or ::1.
  bool IsLoopback() const;
};

// Splits "HOST:PORT"; an IPv6 address stands in brackets, "[::1]:50051". kInvalidArgument tells what it is and what was
// expected.
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text);

}  // namespace polyscene
