#include "client/feed/file_identity.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/event_columns.h"

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

absl::StatusOr<std::string> FileIdentity(absl::Span<const std::string> paths, absl::string_view settings) {
  Digest digest;
  digest.Add(settings);
  std::string bytes;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
    const int64_t size = file.tellg();
    digest.Add(size);
    for (const int64_t begin : {int64_t{0}, std::max<int64_t>(0, size - kEndBytes)}) {
      bytes.resize(static_cast<size_t>(std::min(kEndBytes, size - begin)));
      file.seekg(begin);
      file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      if (!file) return absl::UnavailableError(absl::StrCat("cannot read ", path));
      digest.Add(bytes);
    }
  }
  return digest.Text();
}

std::string ReadingOf(const v1::ModelFile& model) {
  std::string text = absl::StrCat(model.files().SerializeAsString(), ";");
  for (const v1::Feature& feature : model.features()) {
    absl::StrAppend(&text, feature.name(), "=", ColumnOf(feature), ":", feature.type(), feature.required() ? "!" : "",
                    feature.has_sequence() ? "*" : "", ";");
  }
  for (const v1::Scene& scene : model.scenes()) {
    absl::StrAppend(&text, scene.name(), ":", absl::StrJoin(scene.tasks(), ","), ":",
                    absl::StrJoin(scene.features(), ","), ";");
  }
  for (const v1::Task& task : model.tasks()) {
    absl::StrAppend(&text, task.name(), "=", absl::StrJoin(LabelColumns(task), ","), ";");
  }
  return text;
}

}  // namespace polyscene::cli
