#include "client/replay/answer_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "model/serving/evaluation_layout.h"

namespace polyscene::replay {
namespace {

float Evaluated(const TaskSpec& task, float value) {
  return task.log1p ? static_cast<float>(std::log1p(static_cast<double>(value))) : value;
}

}  // namespace

AnswerEvaluation::AnswerEvaluation(std::shared_ptr<const ModelSpec> spec, int64_t from_micros, Counts counts)
    : spec_(std::move(spec)), from_micros_(from_micros), counts_(counts), evaluation_(LayoutOf(*spec_)) {}

void AnswerEvaluation::Add(const RememberedRequest& request, const OpenLabels& labels, const std::vector<bool>& tasks) {
  const int64_t at = counts_ == Counts::kPredicted ? request.predict_at : labels.event_at;
  if (from_micros_ > 0 && at < from_micros_) return;
  std::vector<size_t> first_label;
  size_t width = 0;
  for (const TaskSpec& task : spec_->tasks()) {
    first_label.push_back(width);
    width += static_cast<size_t>(task.label_width);
  }
  std::vector<float> prediction, label;
  for (const Answered& answered : request.scores) {
    const TaskSpec& task = spec_->tasks()[answered.task];
    if (!tasks.empty() && !tasks[answered.task]) continue;
    const auto first = labels.labels.begin() + static_cast<ptrdiff_t>(first_label[answered.task]);
    label.assign(first, first + task.label_width);
    const auto counts = [&task](float value) {
      return !std::isnan(value) && !(task.has_range && (value < task.range_min || value > task.range_max));
    };
    if (!std::all_of(label.begin(), label.end(), counts)) continue;
    if (task.defined_when >= 0) {
      const float condition = labels.labels[first_label[task.defined_when]];  // NaN where there is none.
      if (condition != (task.defined_when_negative ? 0.0f : 1.0f)) continue;
    }
    const auto score = answered.values.begin() + static_cast<ptrdiff_t>(labels.row) * task.outputs;
    prediction.assign(score, score + task.outputs);
    for (float& value : prediction) value = Evaluated(task, value);
    for (float& value : label) value = Evaluated(task, value);
    evaluation_.Add(request.scene, answered.task, prediction, label);
  }
}

double LargestDifference(const std::vector<EvaluationFigure>& a, const std::vector<EvaluationFigure>& b) {
  using Key = std::tuple<std::string, std::string, std::string>;
  std::map<Key, const EvaluationFigure*> others;
  for (const EvaluationFigure& figure : b) others[{figure.scene, figure.task, figure.metric}] = &figure;
  double largest = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::quiet_NaN();
  for (const EvaluationFigure& figure : a) {
    const auto other = others.find({figure.scene, figure.task, figure.metric});
    if (other == others.end() || other->second->rows != figure.rows ||
        std::isnan(other->second->value) != std::isnan(figure.value)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (!std::isnan(figure.value)) largest = std::max(largest, std::abs(figure.value - other->second->value));
  }
  return largest;
}

}  // namespace polyscene::replay
