#include "client/simulator/best_reachable.h"

#include <string>

#include "absl/types/span.h"
#include "client/simulator/schema.h"

namespace polyscene::simulator {
namespace {

EvaluationLayout BinaryTasks() {
  EvaluationLayout layout;
  layout.scene_tasks.resize(kScenes);
  for (int s = 0; s < kScenes; ++s) layout.scenes.emplace_back(SceneName(static_cast<Scene>(s)));
  for (const SimulatedTask& task : Tasks()) {
    if (!task.probability) continue;
    for (int s = 0; s < kScenes; ++s) {
      if (task.scenes[s]) layout.scene_tasks[s].push_back(static_cast<int>(layout.tasks.size()));
    }
    layout.tasks.push_back({std::string(task.name), EvaluatedKind::kBinary});
  }
  return layout;
}

}  // namespace

BestReachable::BestReachable(int64_t evaluate_from_seconds)
    : evaluate_from_seconds_(evaluate_from_seconds), evaluation_(BinaryTasks()) {}

void BestReachable::Add(const SimulatedRow& row) {
  if (row.time_seconds < evaluate_from_seconds_) return;
  int index = -1;  // Among the binary tasks.
  for (const SimulatedTask& task : Tasks()) {
    if (!task.probability) continue;
    ++index;
    if (!task.In(row.scene)) continue;
    const float truth = task.probability(row);
    const float label = static_cast<float>(task.label(row, 0));
    evaluation_.Add(static_cast<int>(row.scene), index, absl::MakeConstSpan(&truth, 1), absl::MakeConstSpan(&label, 1));
  }
}

std::vector<EvaluationFigure> BestReachable::Figures() const {
  std::vector<EvaluationFigure> figures;
  for (EvaluationFigure& figure : evaluation_.Figures()) {
    if (figure.metric != "auc") continue;
    figure.metric = "best_auc";
    figures.push_back(figure);
  }
  return figures;
}

}  // namespace polyscene::simulator
