#include "client/ranking/scene_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene::cli {

absl::StatusOr<const v1::Scene*> SceneRows::Find(const std::string& name) const {
  std::vector<std::string> known;
  for (const v1::Scene& scene : model_.scenes()) {
    if (scene.name() == name) return &scene;
    known.push_back(scene.name());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("scene '", name, "' is not in the model, expected one of ", absl::StrJoin(known, ", ")));
}

absl::StatusOr<std::unique_ptr<SceneRows>> SceneRows::Open(const std::string& path, const v1::ModelFile& model,
                                                           const std::vector<std::string>& scenes) {
  absl::StatusOr<std::unique_ptr<RowStream>> stream = RowStream::Open(path);
  if (!stream.ok()) return stream.status();
  std::unique_ptr<SceneRows> rows(new SceneRows(model, *std::move(stream)));
  for (const std::string& name : scenes) {
    const absl::StatusOr<const v1::Scene*> scene = rows->Find(name);
    if (!scene.ok()) return scene.status();
    rows->wanted_.push_back(*scene);
  }
  rows->passes_over_ = !scenes.empty();
  if (scenes.empty()) {
    for (const v1::Scene& scene : model.scenes()) rows->wanted_.push_back(&scene);
  }
  const std::string& configured = model.files().scene_column();
  const std::string column = configured.empty() ? "scene" : configured;
  rows->scene_column_ = rows->stream_->Find(column);
  if (rows->scene_column_ < 0 && rows->wanted_.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        rows->stream_->source(), ": has no column '", column,
        "' that tells the scene, expected one, or --scene. It has: ", absl::StrJoin(rows->stream_->names(), ", ")));
  }
  return rows;
}

absl::StatusOr<bool> SceneRows::Next(Row* row) {
  for (;;) {
    const absl::StatusOr<bool> more = stream_->Next(&row->row);
    if (!more.ok() || !*more) return more;
    if (scene_column_ < 0) {
      row->scene = wanted_[0];
      return true;
    }
    const std::string& name = row->row.cells[scene_column_].text;
    const auto wanted =
        std::find_if(wanted_.begin(), wanted_.end(), [&](const v1::Scene* scene) { return scene->name() == name; });
    if (wanted != wanted_.end()) {
      row->scene = *wanted;
      return true;
    }
    if (passes_over_) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(stream_->source(), ": line ", row->row.line, ": ", Find(name).status().message()));
  }
}

}  // namespace polyscene::cli
