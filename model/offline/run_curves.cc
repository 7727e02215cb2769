#include "model/offline/run_curves.h"

#include <utility>

namespace polyscene {

RunCurves::RunCurves(std::shared_ptr<const ModelSpec> spec) : spec_(std::move(spec)) {
  model_.losses.push_back({"joint"});
  for (const TaskSpec& task : spec_->tasks()) model_.losses.push_back({task.name});
}

void RunCurves::OnLosses(const LossPoint& point, const OfflineLearner& learner) {
  model_.losses[0].train.emplace_back(point.epochs, point.loss);
  for (size_t t = 0; t < point.task_losses.size(); ++t) {
    model_.losses[t + 1].train.emplace_back(point.epochs, point.task_losses[t]);
  }
}

void RunCurves::OnEvaluation(double epochs, const FileEvaluation& evaluation, const OfflineLearner& learner) {
  model_.losses[0].test.emplace_back(epochs, evaluation.loss);
  for (size_t t = 0; t < evaluation.task_losses.size(); ++t) {
    model_.losses[t + 1].test.emplace_back(epochs, evaluation.task_losses[t]);
  }
  model_.evaluations.emplace_back(epochs, evaluation.figures);
  model_.reliability.clear();
  for (size_t t = 0; t < evaluation.reliability.size(); ++t) {
    if (!evaluation.reliability[t].empty()) {
      model_.reliability.push_back({spec_->tasks()[t].name, evaluation.reliability[t]});
    }
  }
}

ReportedModel RunCurves::Model(const std::string& path, const std::string& label) const {
  ReportedModel model = model_;
  model.path = path;
  model.label = label;
  model.name = spec_->file().name();
  model.text = spec_->text();
  model.fingerprint = spec_->fingerprint_hex();
  return model;
}

}  // namespace polyscene
