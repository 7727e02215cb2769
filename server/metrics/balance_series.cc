#include "server/metrics/balance_series.h"

namespace polyscene {

BalanceSeries::BalanceSeries(SeriesBuilder& build, const ModelSpec& spec) {
  std::vector<std::string> tasks, scenes;
  for (const TaskSpec& task : spec.tasks()) {
    tasks.push_back(task.name);
    weights_.push_back(&build.Gauge(kTaskLossWeight, {{"task", task.name}}, kUndefined));
  }
  for (const SceneSpec& scene : spec.scenes()) scenes.push_back(scene.name);
  tasks_ = MakeGradients(build, kTaskGradientNorm, kTaskGradientCosine, "task", tasks);
  scenes_ = MakeGradients(build, kSceneGradientNorm, kSceneGradientCosine, "scene", scenes);
}

BalanceSeries::GradientSeries BalanceSeries::MakeGradients(SeriesBuilder& build, SeriesId norm, SeriesId cosine,
                                                           const char* label, const std::vector<std::string>& names) {
  GradientSeries series;
  for (size_t i = 0; i < names.size(); ++i) {
    series.norms.push_back(&build.Gauge(norm, {{label, names[i]}}, kUndefined));
    for (size_t j = i + 1; j < names.size(); ++j) {
      series.cosines.push_back(
          {i * names.size() + j, &build.Gauge(cosine, {{label, names[i]}, {"other", names[j]}}, kUndefined)});
    }
  }
  return series;
}

void BalanceSeries::GradientSeries::Set(const GradientFigures& figures) {
  for (size_t i = 0; i < figures.norms.size() && i < norms.size(); ++i) norms[i]->Set(figures.norms[i]);
  for (const Pair& pair : cosines) {
    if (pair.place < figures.cosines.size()) pair.gauge->Set(figures.cosines[pair.place]);
  }
}

void BalanceSeries::Set(const BalanceFigures& figures) {
  for (size_t t = 0; t < figures.task_weights.size() && t < weights_.size(); ++t) {
    weights_[t]->Set(figures.task_weights[t]);
  }
  tasks_.Set(figures.tasks);
  scenes_.Set(figures.scenes);
}

}  // namespace polyscene
