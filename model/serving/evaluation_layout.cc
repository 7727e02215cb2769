#include "model/serving/evaluation_layout.h"

namespace polyscene {
namespace {

EvaluatedKind KindOf(TaskSpec::Kind kind) {
  switch (kind) {
    case TaskSpec::Kind::kBinary:
      return EvaluatedKind::kBinary;
    case TaskSpec::Kind::kMultiClass:
      return EvaluatedKind::kMultiClass;
    case TaskSpec::Kind::kForecast:
      return EvaluatedKind::kForecast;
    case TaskSpec::Kind::kRegression:
      break;
  }
  return EvaluatedKind::kRegression;
}

}  // namespace

EvaluationLayout LayoutOf(const ModelSpec& spec) {
  EvaluationLayout layout;
  for (const SceneSpec& scene : spec.scenes()) {
    layout.scenes.push_back(scene.name);
    layout.scene_tasks.push_back(scene.tasks);
  }
  for (const TaskSpec& task : spec.tasks()) {
    layout.tasks.push_back({task.name, KindOf(task.kind), task.outputs, task.label_width, task.quantile});
  }
  return layout;
}

}  // namespace polyscene
