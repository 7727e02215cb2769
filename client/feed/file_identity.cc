#include "client/feed/file_identity.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace polyscene::cli {
namespace {

constexpr int64_t kEndBytes = int64_t{1} << 20;

// FNV-1a, the same on every machine.
class Digest {
 public:
  void Add(absl::string_view bytes) {
    for (const unsigned char c : bytes) hash_ = (hash_ ^ c) * 0x100000001b3;
  }
  void Add(int64_t value) { Add(absl::StrCat(value, ";")); }
  std::string Text() const {
    return absl::StrCat(absl::Hex(static_cast<uint32_t>(hash_ ^ (hash_ >> 32)), absl::kZeroPad8));
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

absl::StatusOr<std::string> FileIdentity(const std::string& path, absl::Span<const int64_t> options) {
  Digest digest;
  for (const int64_t option : options) digest.Add(option);
  if (path == "-") return digest.Text();
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  const int64_t size = file.tellg();
  digest.Add(size);
  std::string bytes;
  for (const int64_t begin : {int64_t{0}, std::max<int64_t>(0, size - kEndBytes)}) {
    bytes.resize(std::min(kEndBytes, size - begin));
    file.seekg(begin);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file) return absl::UnavailableError(absl::StrCat("cannot read ", path));
    digest.Add(bytes);
  }
  return digest.Text();
}

}  // namespace polyscene::cli
