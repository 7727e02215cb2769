#include "model/feature/hash_key.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr size_t kDigits = 32;
constexpr size_t kLargestFile = 4096;  // White space included: whatever is larger is no key file.

uint64_t LittleEndian(const uint8_t* bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

uint64_t RotateLeft(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

class SipHash {
 public:
  SipHash(uint64_t k0, uint64_t k1)
      : v0_(k0 ^ 0x736f6d6570736575),
        v1_(k1 ^ 0x646f72616e646f6d),
        v2_(k0 ^ 0x6c7967656e657261),
        v3_(k1 ^ 0x7465646279746573) {}

  void Add(uint64_t word) {
    v3_ ^= word;
    Round();
    Round();
    v0_ ^= word;
  }

  uint64_t Finish() {
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v1_ = RotateLeft(v1_, 13) ^ v0_;
    v0_ = RotateLeft(v0_, 32);
    v2_ += v3_;
    v3_ = RotateLeft(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = RotateLeft(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = RotateLeft(v1_, 17) ^ v2_;
    v2_ = RotateLeft(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

HashKey::HashKey() = default;

HashKey::HashKey(const std::array<uint8_t, 16>& bytes)
    : k0_(LittleEndian(bytes.data(), 8)), k1_(LittleEndian(bytes.data() + 8, 8)) {}

absl::StatusOr<HashKey> HashKey::Load(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("hash key file '", path, "'"));
  std::string text(kLargestFile, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) return absl::ErrnoToStatus(errno, absl::StrCat("hash key file '", path, "'"));

  // The messages tell where, never what: a key with one slip in it is still a secret.
  const absl::string_view digits = absl::StripAsciiWhitespace(text);
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < digits.size() && i < kDigits; ++i) {
    const int digit = DigitOf(digits[i]);
    if (digit < 0) {
      return absl::InvalidArgumentError(absl::StrCat("hash key file '", path, "': character ", i + 1,
                                                     " is not a hexadecimal digit; expected ", kDigits, " of them"));
    }
    bytes[i / 2] = static_cast<uint8_t>(bytes[i / 2] << 4 | digit);
  }
  if (digits.size() != kDigits) {
    return absl::InvalidArgumentError(absl::StrCat("hash key file '", path, "' holds ", digits.size(),
                                                   " characters; expected ", kDigits, " hexadecimal digits"));
  }
  return HashKey(bytes);
}

uint64_t HashKey::Hash(absl::string_view bytes) const {
  SipHash hash(k0_, k1_);
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t rest = bytes.size();
  for (; rest >= 8; rest -= 8, data += 8) hash.Add(LittleEndian(data, 8));
  hash.Add(LittleEndian(data, rest) | uint64_t{bytes.size()} << 56);
  return hash.Finish();
}

uint64_t HashKey::Hash(int64_t value) const {
  SipHash hash(k0_, k1_);
  hash.Add(static_cast<uint64_t>(value));
  hash.Add(uint64_t{8} << 56);
  return hash.Finish();
}

uint64_t HashKey::fingerprint() const { return Hash(absl::string_view("polyscene hash key")); }

}  // namespace polyscene
