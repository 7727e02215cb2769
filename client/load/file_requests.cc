#include "client/load/file_requests.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/ranking/predict_request.h"
#include "client/ranking/scene_rows.h"

namespace polyscene::load {
namespace {

absl::StatusOr<PreparedRequest> Prepare(const v1::ModelFile& model, const PoolScene& scene,
                                        const cli::RowStream& stream, std::vector<cli::RowSet::Row> rows) {
  cli::PredictInput input;
  input.scene = scene.scene->name();
  input.tasks = scene.tasks;
  input.rows = {stream.source(), stream.names(), std::move(rows)};
  const absl::StatusOr<cli::PredictPlan> plan = cli::PlanPrediction(model, input);
  if (!plan.ok()) return plan.status();
  return PreparedRequest{input.scene, static_cast<int64_t>(input.rows.rows.size()), plan->request.SerializeAsString()};
}

}  // namespace

absl::StatusOr<std::vector<PreparedRequest>> FileRequests(const std::string& path, const v1::ModelFile& model,
                                                          const PoolOptions& options) {
  const absl::StatusOr<std::vector<PoolScene>> scenes = ScenesOfPool(model, options);
  if (!scenes.ok()) return scenes.status();
  std::vector<std::string> names;
  std::map<std::string, PoolScene> by_name;
  for (const PoolScene& scene : *scenes) {
    names.push_back(scene.scene->name());
    by_name[scene.scene->name()] = scene;
  }
  const absl::StatusOr<std::unique_ptr<cli::SceneRows>> rows = cli::SceneRows::Open(
      path, model, options.scenes.empty() && options.tasks.empty() ? std::vector<std::string>() : names);
  if (!rows.ok()) return rows.status();

  std::vector<PreparedRequest> requests;
  std::map<std::string, std::vector<cli::RowSet::Row>> gathered;  // By scene: the rows of its next request.
  std::map<std::string, int> made;
  const auto make = [&](const std::string& scene) {
    absl::StatusOr<PreparedRequest> request =
        Prepare(model, by_name[scene], (*rows)->stream(), std::exchange(gathered[scene], {}));
    if (!request.ok()) return request.status();
    requests.push_back(*std::move(request));
    ++made[scene];
    return absl::OkStatus();
  };
  cli::SceneRows::Row row;
  while (static_cast<int>(requests.size()) < options.requests) {
    const absl::StatusOr<bool> more = (*rows)->Next(&row);
    if (!more.ok()) return more.status();
    if (!*more) break;
    const std::string& scene = row.scene->name();
    gathered[scene].push_back(std::move(row.row));
    if (static_cast<int>(gathered[scene].size()) < options.candidates) continue;
    if (absl::Status status = make(scene); !status.ok()) return status;
  }
  for (const std::string& scene : names) {
    if (made[scene] > 0 || gathered[scene].empty()) continue;
    if (absl::Status status = make(scene); !status.ok()) return status;
  }
  if (requests.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has no row of scene ", absl::StrJoin(names, ", ")));
  }
  return requests;
}

}  // namespace polyscene::load
