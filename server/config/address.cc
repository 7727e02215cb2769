#include "server/config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr char kExpected[] =
    "expected HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051, with a port from 0 to 65535";

bool IsHost(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  });
}

bool IsIpv6(const std::string& host) {
  std::array<unsigned char, 16> address;
  return inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

bool IsPort(absl::string_view text, int& port) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
         absl::SimpleAtoi(text, &port) && port <= 65535;
}

}  // namespace

bool HostPort::IsLoopback() const {
  std::array<unsigned char, 16> address;
  if (inet_pton(AF_INET, host.c_str(), address.data()) == 1) return address[0] == 127;
  if (inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    return std::all_of(address.begin(), address.end() - 1, [](unsigned char byte) { return byte == 0; }) &&
           address[15] == 1;
  }
  return absl::EqualsIgnoreCase(host, "localhost");
}

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  const auto wrong = [&] { return absl::InvalidArgumentError(absl::StrCat("'", text, "', ", kExpected)); };
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return wrong();
  HostPort address;
  absl::string_view host = text.substr(0, colon);
  if (!IsPort(text.substr(colon + 1), address.port)) return wrong();
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    address.host = std::string(host.substr(1, host.size() - 2));
    if (!IsIpv6(address.host)) return wrong();
  } else {
    if (!IsHost(host)) return wrong();
    address.host = std::string(host);
  }
  return address;
}

}  // namespace polyscene
