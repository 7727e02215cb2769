#include "server/metrics/drift_series.h"

namespace polyscene {

DriftSeries::DriftSeries(SeriesBuilder& build, const ModelSpec& spec) {
  if (spec.file().learning().drift().has_none()) return;
  for (const SceneSpec& scene : spec.scenes()) {
    for (const int t : scene.tasks) {
      const std::string& task = spec.tasks()[t].name;
      Pair& pair = pairs_[{scene.name, task}];
      pair.level = &build.Gauge(kTaskDrift, {{"scene", scene.name}, {"task", task}});
      pair.alarms = &build.Counter(kTaskDriftAlarmsTotal, {{"scene", scene.name}, {"task", task}});
    }
  }
}

void DriftSeries::Set(absl::Span<const DriftFigure> figures) {
  for (const DriftFigure& figure : figures) {
    const auto it = pairs_.find({figure.scene, figure.task});
    if (it == pairs_.end()) continue;
    it->second.level->Set(figure.level);
    const double more = static_cast<double>(figure.alarms) - it->second.alarms->Value();
    if (more > 0) it->second.alarms->Increment(more);
  }
}

}  // namespace polyscene
