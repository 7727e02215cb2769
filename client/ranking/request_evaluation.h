// How good the answers to labelled requests are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/ranking/label_columns.h"
#include "client/ranking/request_rows.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/ranking_evaluation.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::cli {

// What stands against the model's scores of one task: a column's number divided by `divisor`, for a forecast the same
// each day.
struct Baseline {
  std::string task;
  std::string column;
  double divisor = 1;
};

struct RequestEvaluationOptions {
  int k = 10;  // Of NDCG.
  std::string
      relevance;  // The task whose labels are the gains of a list's rows. Empty: the first of the scene's rank_by.
  std::vector<Baseline> baselines;  // At most one a task.
};

// Sums over requests:
//   each task's figures (model/evaluation) over its labelled rows, regressions and forecasts on the scale that learning
//   evaluates them on (log1p where the task's transform is); binary tasks also gauc.
//   In scenes with candidates ndcg@k and mrr of the order by the answer's ranking (where it has none, by the relevance
//   task's score). A row without the relevance label gains nothing.
// Beside these ndcg@k and mrr ":random", of the same rows in random order, and, where the relevance task has a
// baseline,
// ":baseline", of the order by its column. Not thread-safe.
class RequestEvaluation {
 public:
  // kInvalidArgument: a task or column that is not there, or a baseline of a multi-class task.
  static absl::StatusOr<RequestEvaluation> Create(std::shared_ptr<const ModelSpec> spec,
                                                  RequestEvaluationOptions options, const RowStream& rows);

  // One request and its answer, which has a score for each row of each task that it has.
  //   kInvalidArgument  a label, or a baseline's value, that cannot be read; names the line
  absl::Status Add(const RequestRows::Request& request, const v1::PredictResponse& response);

  std::vector<EvaluationFigure> TaskFigures() const;      // With gauc.
  std::vector<EvaluationFigure> RankingFigures() const;   // Of the model, ":random" and ":baseline".
  std::vector<EvaluationFigure> BaselineFigures() const;  // As TaskFigures(), of the baselines alone; without suffix.

  int64_t requests() const { return requests_; }
  int64_t rows() const { return rows_; }

 private:
  struct Column {
    int column = -1;  // -1: the task has no baseline.
    float divisor = 1;
  };
  struct Orders {
    RankingEvaluation model, random, baseline;
  };

  RequestEvaluation(std::shared_ptr<const ModelSpec> spec, RequestEvaluationOptions options, const RowStream& rows,
                    LabelColumns labels);
  absl::Status AddBaselines(const RowStream& rows);
  absl::Status AddTask(int scene, int task, const v1::TaskScores& scores, const RowSet& rows);
  absl::Status AddOrder(int scene, const RowSet& rows, const v1::PredictResponse& response);
  int RelevanceOf(int scene) const;                                                   // A task; -1: nothing is ranked.
  absl::StatusOr<std::vector<float>> BaselineOf(int task, const RowSet& rows) const;  // [rows]

  std::shared_ptr<const ModelSpec> spec_;
  RequestEvaluationOptions options_;
  const RowStream* stream_;  // Outlives this object.
  LabelColumns labels_;
  std::vector<Column> baselines_;  // [tasks]
  Evaluation evaluation_;
  Evaluation baseline_evaluation_;
  GroupedAuc grouped_auc_;
  std::map<int, Orders> orders_;  // By relevance task.
  int64_t requests_ = 0;
  int64_t rows_ = 0;
};

}  // namespace polyscene::cli
