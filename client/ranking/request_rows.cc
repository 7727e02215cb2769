#include "client/ranking/request_rows.h"

#include <algorithm>

#include "model/data/event_columns.h"

namespace polyscene::cli {
namespace {

constexpr size_t kMostUsers = 256;  // Rows scored each by itself that go in one call.

bool HasCandidates(const v1::ModelFile& model, const v1::Scene& scene) {
  const std::vector<const v1::Feature*> features = FeaturesOfScene(model, scene);
  return std::any_of(features.begin(), features.end(),
                     [](const v1::Feature* feature) { return feature->side() == v1::CANDIDATE; });
}

}  // namespace

absl::StatusOr<std::unique_ptr<RequestRows>> RequestRows::Open(const std::string& path, const v1::ModelFile& model,
                                                               const std::vector<std::string>& scenes) {
  absl::StatusOr<std::unique_ptr<SceneRows>> rows = SceneRows::Open(path, model, scenes);
  if (!rows.ok()) return rows.status();
  std::unique_ptr<RequestRows> requests(new RequestRows(model, *std::move(rows)));
  const std::string& id = model.files().request_id_column();
  if (!id.empty()) requests->id_column_ = requests->stream().Find(id);
  return requests;
}

bool RequestRows::Continues(const Request& request) const {
  if (next_.scene != request.scene) return false;
  if (!HasCandidates(model_, *request.scene)) return request.rows.rows.size() < kMostUsers;
  if (id_column_ < 0) return false;
  const Cell& id = next_.row.cells[id_column_];
  return !id.missing && id.text == request.rows.rows[0].cells[id_column_].text;
}

absl::StatusOr<bool> RequestRows::Next(Request* request) {
  request->rows.rows.clear();
  for (;;) {
    if (!has_next_) {
      const absl::StatusOr<bool> more = rows_->Next(&next_);
      if (!more.ok()) return more.status();
      if (!*more) break;
      has_next_ = true;
    }
    if (request->rows.rows.empty()) {
      request->scene = next_.scene;
    } else if (!Continues(*request)) {
      break;
    }
    request->rows.rows.push_back(std::move(next_.row));
    has_next_ = false;
  }
  request->rows.source = stream().source();
  request->rows.names = stream().names();
  return !request->rows.rows.empty();
}

}  // namespace polyscene::cli
