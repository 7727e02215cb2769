#include "client/cli/evaluate_requests.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/lib/client.h"
#include "client/ranking/predict_request.h"
#include "client/ranking/ranked_rows.h"
#include "client/ranking/request_evaluation.h"
#include "client/ranking/request_rows.h"
#include "model/data/byte_source.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

constexpr absl::Duration kTellInterval = absl::Seconds(2);

// "demand=item_sales_7d/7".
absl::StatusOr<Baseline> ParseBaseline(const std::string& text) {
  Baseline baseline;
  const size_t equals = text.find('=');
  const size_t slash = text.rfind('/');
  const bool divided = slash != std::string::npos && equals != std::string::npos && slash > equals;
  const bool divisor_ok =
      !divided || (absl::SimpleAtod(text.substr(slash + 1), &baseline.divisor) && baseline.divisor != 0);
  if (equals == std::string::npos || equals == 0 || !divisor_ok) {
    return absl::InvalidArgumentError(
        absl::StrCat("--baseline: got '", text, "', expected TASK=COLUMN or TASK=COLUMN/DIVISOR"));
  }
  baseline.task = text.substr(0, equals);
  baseline.column = text.substr(equals + 1, divided ? slash - equals - 1 : std::string::npos);
  return baseline;
}

// Scores the requests one after the other.
class Evaluator {
 public:
  Evaluator(client::Client& client, const v1::ModelFile& model, const EvaluateFlags& flags,
            RequestEvaluation evaluation)
      : client_(client), model_(model), flags_(flags), evaluation_(std::move(evaluation)) {}

  ~Evaluator() {
    if (told_) std::cerr << "\r\x1b[K" << std::flush;
  }

  absl::Status Run(RequestRows& requests) {
    RequestRows::Request request;
    for (;;) {
      const absl::StatusOr<bool> more = requests.Next(&request);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      const std::vector<std::string> tasks = TasksOf(*request.scene);
      if (!flags_.tasks.empty() && tasks.empty()) continue;
      if (absl::Status status = Score(request, tasks); !status.ok()) return status;
      Tell();
    }
  }

  const RequestEvaluation& evaluation() const { return evaluation_; }
  const std::map<std::string, int64_t>& varying() const { return varying_; }  // Requests, by context feature.
  uint64_t first_version() const { return first_version_; }
  uint64_t last_version() const { return last_version_; }

 private:
  std::vector<std::string> TasksOf(const v1::Scene& scene) const {
    std::vector<std::string> tasks;
    for (const std::string& task : flags_.tasks) {
      if (std::find(scene.tasks().begin(), scene.tasks().end(), task) != scene.tasks().end()) tasks.push_back(task);
    }
    return tasks;
  }

  absl::Status Score(RequestRows::Request& request, const std::vector<std::string>& tasks) {
    PredictInput input;
    input.scene = request.scene->name();
    input.tasks = tasks;
    input.rows = std::move(request.rows);
    const absl::StatusOr<PredictPlan> plan = PlanPrediction(model_, input);
    if (!plan.ok()) return plan.status();
    const absl::StatusOr<v1::PredictResponse> response = client_.Predict(plan->request);
    if (!response.ok()) {
      return absl::Status(response.status().code(),
                          absl::StrCat(input.rows.source, ": the request of line ", input.rows.rows[0].line, ": ",
                                       response.status().message()));
    }
    if (const absl::StatusOr<int> scored = ScoredRows(input.rows, *response); !scored.ok()) return scored.status();
    for (const std::string& feature : plan->varying_context) ++varying_[feature];
    if (first_version_ == 0) first_version_ = response->model().version();
    last_version_ = response->model().version();
    request.rows = std::move(input.rows);
    return evaluation_.Add(request, *response);
  }

  void Tell() {
    if (isatty(STDERR_FILENO) == 0 || absl::Now() < next_tell_) return;
    std::cerr << "\r" << WithThousands(evaluation_.requests()) << " requests, " << WithThousands(evaluation_.rows())
              << " rows" << std::flush;
    next_tell_ = absl::Now() + kTellInterval;
    told_ = true;
  }

  client::Client& client_;
  const v1::ModelFile& model_;
  const EvaluateFlags& flags_;
  RequestEvaluation evaluation_;
  std::map<std::string, int64_t> varying_;
  uint64_t first_version_ = 0;
  uint64_t last_version_ = 0;
  absl::Time next_tell_ = absl::Now() + kTellInterval;
  bool told_ = false;
};

void Print(const Evaluator& evaluator, const EvaluateFlags& flags, double seconds) {
  const RequestEvaluation& evaluation = evaluator.evaluation();
  std::cout << WithThousands(evaluation.requests()) << " requests, " << WithThousands(evaluation.rows())
            << " rows, scored by version " << evaluator.first_version();
  if (evaluator.last_version() != evaluator.first_version()) std::cout << " to " << evaluator.last_version();
  std::cout << " in " << ReadableSeconds(seconds) << "\n\n" << FigureTable(evaluation.TaskFigures());
  if (const std::vector<EvaluationFigure> ranking = evaluation.RankingFigures(); !ranking.empty()) {
    std::cout << "\nOrder of each request's rows (:random is the same rows in random order)\n" << FigureTable(ranking);
  }
  if (const std::vector<EvaluationFigure> baseline = evaluation.BaselineFigures(); !baseline.empty()) {
    std::cout << "\nBaseline " << absl::StrJoin(flags.baselines, ", ") << "\n" << FigureTable(baseline);
  }
  std::cout << std::flush;
}

void PrintAsJson(const Evaluator& evaluator, double seconds) {
  const RequestEvaluation& evaluation = evaluator.evaluation();
  std::vector<EvaluationFigure> figures = evaluation.TaskFigures();
  for (EvaluationFigure& figure : evaluation.RankingFigures()) figures.push_back(std::move(figure));
  for (EvaluationFigure& figure : evaluation.BaselineFigures()) {
    figure.metric += ":baseline";
    figures.push_back(std::move(figure));
  }
  Json json;
  json["requests"] = evaluation.requests();
  json["rows"] = evaluation.rows();
  json["seconds"] = JsonNumber(seconds);
  json["first_version"] = evaluator.first_version();
  json["last_version"] = evaluator.last_version();
  json["evaluation"] = FiguresJson(figures);
  PrintJson(json);
}

}  // namespace

int EvaluateRequests(const CommonFlags& common, const EvaluateFlags& flags) {
  RequestEvaluationOptions options;
  options.k = flags.k;
  options.relevance = flags.relevance;
  for (const std::string& text : flags.baselines) {
    absl::StatusOr<Baseline> baseline = ParseBaseline(text);
    if (!baseline.ok()) return UsedWrongly(std::string(baseline.status().message()));
    options.baselines.push_back(*std::move(baseline));
  }
  // Before the server is asked: a wrong path should not cost a wait for it.
  if (flags.file != "-") {
    if (absl::Status status = ByteSource::Open(flags.file).status(); !status.ok()) return Fail(status);
  }
  client::Client client(client::ClientOptions{.server = common.server});
  const absl::StatusOr<v1::GetModelResponse> served = client.GetModel();
  if (!served.ok()) return Fail(served.status());
  const v1::ModelFile& model = served->model();
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Create(model);
  if (!spec.ok()) return Fail(spec.status());
  for (const std::string& task : flags.tasks) {
    if ((*spec)->FindTask(task) < 0) {
      return Fail(absl::InvalidArgumentError(absl::StrCat("--tasks: task '", task, "' is not in the model")));
    }
  }
  const absl::StatusOr<std::unique_ptr<RequestRows>> requests = RequestRows::Open(flags.file, model, flags.scenes);
  if (!requests.ok()) return Fail(requests.status());
  if (!(*requests)->has_ids()) {
    std::cerr << "polyscene: no column tells which rows are one request (the model file's request_id_column): each row "
                 "is scored by itself, and no order is evaluated\n";
  }
  absl::StatusOr<RequestEvaluation> evaluation =
      RequestEvaluation::Create(*std::move(spec), options, (*requests)->stream());
  if (!evaluation.ok()) return Fail(evaluation.status());

  const absl::Time start = absl::Now();
  Evaluator evaluator(client, model, flags, *std::move(evaluation));
  if (absl::Status status = evaluator.Run(**requests); !status.ok()) return Fail(status);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  for (const auto& [feature, count] : evaluator.varying()) {
    std::cerr << "polyscene: context feature '" << feature << "' differs between the rows of " << WithThousands(count)
              << " requests, whose first row counted\n";
  }
  if (evaluator.evaluation().requests() == 0) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(flags.file, ": has no row to score")));
  }
  if (common.json) {
    PrintAsJson(evaluator, seconds);
  } else {
    Print(evaluator, flags, seconds);
  }
  return kDone;
}

}  // namespace polyscene::cli
