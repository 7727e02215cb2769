// What a report shows of one training, gathered while it goes.
#pragma once

#include <memory>

#include "model/offline/training_observer.h"
#include "model/report/html_report.h"
#include "model/spec/model_spec.h"

namespace polyscene {

class RunCurves : public TrainingObserver {
 public:
  explicit RunCurves(std::shared_ptr<const ModelSpec> spec);

  void OnLosses(const LossPoint& point, const OfflineLearner& learner) override;
  void OnEvaluation(double epochs, const FileEvaluation& evaluation, const OfflineLearner& learner) override;

  // Of the model with its file's text and what was gathered so far.
  ReportedModel Model(const std::string& path, const std::string& label) const;

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  ReportedModel model_;  // Its curves; losses: the joint one, then [tasks].
};

}  // namespace polyscene
