// The keyed hash that turns strings into ids, so that raw ids need not be kept.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// A 128-bit key. The default one is public and fixed: ids are then stable everywhere but not secret.
class HashKey {
 public:
  HashKey();  // The public key: 16 zero bytes.
  explicit HashKey(const std::array<uint8_t, 16>& bytes);

  // Reads 32 hexadecimal digits, with white space around them. kInvalidArgument names what the file holds instead.
  static absl::StatusOr<HashKey> Load(const std::string& path);

  // SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
  uint64_t Hash(absl::string_view bytes) const;
  uint64_t Hash(int64_t value) const;  // Of its 8 bytes, least significant first.

  uint64_t fingerprint() const;  // Tells keys apart without telling the key.

 private:
  uint64_t k0_ = 0;
  uint64_t k1_ = 0;
};

}  // namespace polyscene
