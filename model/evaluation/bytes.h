// Bytes of saved evaluations: varints, doubles and strings. Private to this folder.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace polyscene {

// 7 bits a byte, least significant first; the top bit says that another follows.
inline void AppendVarint(uint64_t value, std::string& bytes) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
}

inline void AppendFixed64(uint64_t value, std::string& bytes) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
}

inline void AppendDouble(double value, std::string& bytes) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendFixed64(bits, bytes);
}

inline void AppendString(absl::string_view value, std::string& bytes) {
  AppendVarint(value.size(), bytes);
  bytes.append(value.data(), value.size());
}

// FNV-1a, 64 bits.
inline uint64_t Checksum(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

// Reads what the functions above wrote. Once something cannot be read, ok() is false and everything reads as zero.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : rest_(bytes) {}

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_[0]);
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }

  uint64_t Fixed64() {
    const absl::string_view taken = Take(8);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.size(); ++i) value |= uint64_t{static_cast<uint8_t>(taken[i])} << (8 * i);
    return value;
  }

  double Double() {
    const uint64_t bits = Fixed64();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

  absl::string_view String() { return Take(Varint()); }
  absl::string_view Bytes(uint64_t size) { return Take(size); }

  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  absl::string_view Take(uint64_t size) {
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace polyscene
