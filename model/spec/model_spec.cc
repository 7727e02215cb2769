#include "model/spec/model_spec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/spec/checks.h"
#include "model/spec/model_spec_builder.h"
#include "model/spec/text_file.h"

namespace polyscene {
namespace {

int Find(const absl::flat_hash_map<std::string, int>& index, absl::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? -1 : found->second;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelSpec>> ModelSpec::Create(v1::ModelFile file) {
  Mistakes mistakes;
  CheckModelFile(file, Place(), mistakes);
  if (!mistakes.empty()) return mistakes.ToStatus("");
  return ModelSpecBuilder(std::move(file), "").Build();
}

absl::StatusOr<std::shared_ptr<const ModelSpec>> ModelSpec::Parse(absl::string_view text, absl::string_view path) {
  Mistakes mistakes;
  v1::ModelFile file;
  const TextFile parsed = ParseTextFile(text, file, mistakes);
  if (parsed.readable) CheckModelFile(file, parsed.place(), mistakes);
  if (!mistakes.empty()) return mistakes.ToStatus(path);
  return ModelSpecBuilder(std::move(file), std::string(text)).Build();
}

absl::StatusOr<std::shared_ptr<const ModelSpec>> ModelSpec::Load(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  return Parse(*text, path);
}

std::string ModelSpec::fingerprint_hex() const { return absl::StrCat(absl::Hex(fingerprint_, absl::kZeroPad16)); }

int ModelSpec::FindFeature(absl::string_view name) const { return Find(feature_index_, name); }
int ModelSpec::FindScene(absl::string_view name) const { return Find(scene_index_, name); }
int ModelSpec::FindTask(absl::string_view name) const { return Find(task_index_, name); }

std::string ModelSpec::SceneNames() const {
  return absl::StrJoin(scenes_, ", ", [](std::string* out, const SceneSpec& scene) { out->append(scene.name); });
}

std::string ModelSpec::TaskNames(const SceneSpec& scene) const {
  return absl::StrJoin(scene.tasks, ", ", [this](std::string* out, int task) { out->append(tasks_[task].name); });
}

}  // namespace polyscene
