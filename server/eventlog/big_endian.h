// Numbers as 8 bytes that sort like the numbers. Private to this folder and server/joiner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyscene {

inline std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, number >>= 8) bytes[i] = static_cast<char>(number);
  return bytes;
}

// Nothing if `bytes` does not hold 8 bytes from `position` on.
inline std::optional<uint64_t> FromBigEndian(absl::string_view bytes, size_t position = 0) {
  if (bytes.size() < position + 8) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = position; i < position + 8; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

}  // namespace polyscene
