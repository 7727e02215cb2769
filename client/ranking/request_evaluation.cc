#include "client/ranking/request_evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/serving/evaluation_layout.h"

namespace polyscene::cli {
namespace {

std::string NamesOfTasks(const ModelSpec& spec) {
  return absl::StrJoin(spec.tasks(), ", ", [](std::string* out, const TaskSpec& task) { out->append(task.name); });
}

// On the scale that learning evaluates on.
float Evaluated(const TaskSpec& task, float value) {
  return task.log1p ? static_cast<float>(std::log1p(std::max(value, 0.0f))) : value;
}

}  // namespace

RequestEvaluation::RequestEvaluation(std::shared_ptr<const ModelSpec> spec, RequestEvaluationOptions options,
                                     const RowStream& rows, LabelColumns labels)
    : spec_(std::move(spec)),
      options_(std::move(options)),
      stream_(&rows),
      labels_(std::move(labels)),
      baselines_(spec_->tasks().size()),
      evaluation_(LayoutOf(*spec_)),
      baseline_evaluation_(LayoutOf(*spec_)),
      grouped_auc_(LayoutOf(*spec_)) {}

absl::StatusOr<RequestEvaluation> RequestEvaluation::Create(std::shared_ptr<const ModelSpec> spec,
                                                            RequestEvaluationOptions options, const RowStream& rows) {
  absl::StatusOr<LabelColumns> labels = LabelColumns::Find(spec, rows);
  if (!labels.ok()) return labels.status();
  RequestEvaluation evaluation(std::move(spec), std::move(options), rows, *std::move(labels));
  const ModelSpec& model = *evaluation.spec_;
  if (const std::string& relevance = evaluation.options_.relevance; !relevance.empty()) {
    const int task = model.FindTask(relevance);
    if (task < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--relevance: task '", relevance,
                                                     "' is not in the model, expected one of ", NamesOfTasks(model)));
    }
    if (!evaluation.labels_.Has(task) || model.tasks()[task].label_width != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--relevance: ", rows.source(), " has no single label of task '", relevance, "'"));
    }
  }
  if (absl::Status status = evaluation.AddBaselines(rows); !status.ok()) return status;
  return evaluation;
}

absl::Status RequestEvaluation::AddBaselines(const RowStream& rows) {
  for (const Baseline& baseline : options_.baselines) {
    const int task = spec_->FindTask(baseline.task);
    if (task < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--baseline: task '", baseline.task,
                                                     "' is not in the model, expected one of ", NamesOfTasks(*spec_)));
    }
    if (spec_->tasks()[task].kind == TaskSpec::Kind::kMultiClass) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--baseline: task '", baseline.task, "' is multi-class, expected a binary task, a regression or a forecast"));
    }
    const int column = rows.Find(baseline.column);
    if (column < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--baseline: ", rows.source(), " has no column '", baseline.column,
                                                     "'. It has: ", absl::StrJoin(rows.names(), ", ")));
    }
    baselines_[task] = {column, static_cast<float>(baseline.divisor)};
  }
  return absl::OkStatus();
}

absl::Status RequestEvaluation::Add(const RequestRows::Request& request, const v1::PredictResponse& response) {
  const int scene = spec_->FindScene(request.scene->name());
  for (const v1::TaskScores& scores : response.scores()) {
    const int task = spec_->FindTask(scores.task());
    if (task < 0 || !labels_.Has(task)) continue;
    if (absl::Status status = AddTask(scene, task, scores, request.rows); !status.ok()) return status;
  }
  ++requests_;
  rows_ += static_cast<int64_t>(request.rows.rows.size());
  return AddOrder(scene, request.rows, response);
}

absl::Status RequestEvaluation::AddTask(int scene, int task_index, const v1::TaskScores& scores, const RowSet& rows) {
  const TaskSpec& task = spec_->tasks()[task_index];
  if (static_cast<int>(scores.outputs()) != task.outputs) {
    return absl::InternalError(absl::StrCat("the answer has ", scores.outputs(), " values a row of task '", task.name,
                                            "', expected ", task.outputs));
  }
  const absl::StatusOr<std::vector<float>> baseline = BaselineOf(task_index, rows);
  if (!baseline.ok()) return baseline.status();
  std::vector<float> label, prediction, row_scores, row_labels;
  for (size_t row = 0; row < rows.rows.size(); ++row) {
    const absl::StatusOr<bool> labelled = labels_.Read(task_index, rows.rows[row], label);
    if (!labelled.ok()) return labelled.status();
    if (!*labelled) continue;
    prediction.assign(scores.values().begin() + static_cast<ptrdiff_t>(row * scores.outputs()),
                      scores.values().begin() + static_cast<ptrdiff_t>((row + 1) * scores.outputs()));
    for (float& value : prediction) value = Evaluated(task, value);
    for (float& value : label) value = Evaluated(task, value);
    evaluation_.Add(scene, task_index, prediction, label);
    if (task.kind == TaskSpec::Kind::kBinary) {
      row_scores.push_back(prediction[0]);
      row_labels.push_back(label[0]);
    }
    if (baseline->empty() || std::isnan((*baseline)[row])) continue;
    prediction.assign(prediction.size(), Evaluated(task, (*baseline)[row]));
    baseline_evaluation_.Add(scene, task_index, prediction, label);
  }
  if (spec_->scenes()[scene].has_candidates) grouped_auc_.Add(scene, task_index, row_scores, row_labels);
  return absl::OkStatus();
}

int RequestEvaluation::RelevanceOf(int scene) const {
  const SceneSpec& spec = spec_->scenes()[scene];
  if (!spec.has_candidates) return -1;
  int task = spec.rank_by.empty() ? -1 : spec.rank_by[0].task;
  if (!options_.relevance.empty()) task = spec_->FindTask(options_.relevance);
  return task >= 0 && spec.has_task[task] && labels_.Has(task) ? task : -1;
}

absl::Status RequestEvaluation::AddOrder(int scene, const RowSet& rows, const v1::PredictResponse& response) {
  const int relevance = RelevanceOf(scene);
  if (relevance < 0) return absl::OkStatus();
  const auto count = static_cast<int>(rows.rows.size());
  std::vector<float> order(response.ranking().begin(), response.ranking().end());
  if (response.ranking_size() != count) {
    const auto scores = std::find_if(response.scores().begin(), response.scores().end(), [&](const v1::TaskScores& s) {
      return s.task() == spec_->tasks()[relevance].name && s.values_size() == count;
    });
    if (scores == response.scores().end()) return absl::OkStatus();
    order.assign(scores->values().begin(), scores->values().end());
  }
  std::vector<float> gains, label;
  for (const RowSet::Row& row : rows.rows) {
    const absl::StatusOr<bool> labelled = labels_.Read(relevance, row, label);
    if (!labelled.ok()) return labelled.status();
    gains.push_back(*labelled ? label[0] : 0);
  }
  const std::vector<std::string> scenes = LayoutOf(*spec_).scenes;
  const RankingEvaluation none(scenes, options_.k);
  Orders& orders = orders_.try_emplace(relevance, Orders{none, none, none}).first->second;
  orders.model.Add(scene, order, gains);
  orders.random.Add(scene, std::vector<float>(gains.size()), gains);
  const absl::StatusOr<std::vector<float>> baseline = BaselineOf(relevance, rows);
  if (!baseline.ok()) return baseline.status();
  if (!baseline->empty()) orders.baseline.Add(scene, *baseline, gains);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> RequestEvaluation::BaselineOf(int task, const RowSet& rows) const {
  std::vector<float> values;
  if (baselines_[task].column < 0) return values;
  for (const RowSet::Row& row : rows.rows) {
    const absl::StatusOr<float> value = ReadNumber(*stream_, baselines_[task].column, row);
    if (!value.ok()) return value.status();
    values.push_back(*value / baselines_[task].divisor);
  }
  return values;
}

std::vector<EvaluationFigure> RequestEvaluation::TaskFigures() const {
  std::vector<EvaluationFigure> figures = evaluation_.Figures();
  for (EvaluationFigure& figure : grouped_auc_.Figures()) figures.push_back(std::move(figure));
  return figures;
}

std::vector<EvaluationFigure> RequestEvaluation::RankingFigures() const {
  std::vector<EvaluationFigure> all;
  for (const auto& [task, orders] : orders_) {
    const std::string& name = spec_->tasks()[task].name;
    for (const auto& figures : {orders.model.Figures(name), orders.random.Figures(name, ":random"),
                                orders.baseline.Figures(name, ":baseline")}) {
      all.insert(all.end(), figures.begin(), figures.end());
    }
  }
  return all;
}

std::vector<EvaluationFigure> RequestEvaluation::BaselineFigures() const { return baseline_evaluation_.Figures(); }

}  // namespace polyscene::cli
