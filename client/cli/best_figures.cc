#include "client/cli/best_figures.h"

#include <algorithm>

namespace polyscene::cli {

google::protobuf::RepeatedPtrField<v1::EvaluationFigure> WithBestFigures(
    const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& learned, absl::Span<const EvaluationFigure> best) {
  google::protobuf::RepeatedPtrField<v1::EvaluationFigure> all;
  for (const v1::EvaluationFigure& figure : learned) {
    *all.Add() = figure;
    if (figure.metric() != "auc") continue;
    const auto found = std::find_if(best.begin(), best.end(), [&](const EvaluationFigure& one) {
      return one.scene == figure.scene() && one.task == figure.task();
    });
    if (found == best.end()) continue;
    v1::EvaluationFigure* const reachable = all.Add();
    reachable->set_scene(found->scene);
    reachable->set_task(found->task);
    reachable->set_metric(found->metric);
    reachable->set_value(found->value);
    reachable->set_rows(found->rows);
  }
  return all;
}

}  // namespace polyscene::cli
