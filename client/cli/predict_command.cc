// `polyscene predict`: scores of rows, best first.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/evaluate_requests.h"
#include "client/lib/client.h"
#include "client/ranking/predict_request.h"
#include "client/ranking/ranked_rows.h"
#include "client/ranking/row_reader.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

struct PredictFlags {
  std::string file;
  std::string scene;
  std::vector<std::string> tasks;
  std::vector<std::string> context;
  int top = 0;
  bool evaluate = false;
  EvaluateFlags evaluation;
};

int Evaluate(const CommonFlags& common, const PredictFlags& flags) {
  if (flags.file.empty()) return UsedWrongly("--evaluate: expected a FILE of labelled requests");
  if (!flags.context.empty() || flags.top > 0) return UsedWrongly("--evaluate takes neither --context nor --top");
  EvaluateFlags evaluation = flags.evaluation;
  evaluation.file = flags.file;
  evaluation.tasks = flags.tasks;
  if (!flags.scene.empty()) evaluation.scenes = {flags.scene};
  return EvaluateRequests(common, evaluation);
}

int Predict(const CommonFlags& common, const PredictFlags& flags) {
  PredictInput input;
  input.scene = flags.scene;
  input.tasks = flags.tasks;
  for (const std::string& pair : flags.context) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsedWrongly(absl::StrCat("--context: got '", pair, "', expected NAME=VALUE"));
    }
    input.context[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (!flags.file.empty()) {
    absl::StatusOr<RowSet> rows = ReadRows(flags.file);
    if (!rows.ok()) return Fail(rows.status());
    if (rows->rows.empty()) {
      return Fail(absl::InvalidArgumentError(absl::StrCat(rows->source, ": has no rows, expected at least one")));
    }
    input.rows = *std::move(rows);
  }

  client::Client client(client::ClientOptions{.server = common.server});
  const absl::StatusOr<v1::GetModelResponse> model = client.GetModel();
  if (!model.ok()) return Fail(model.status());
  const absl::StatusOr<PredictPlan> plan = PlanPrediction(model->model(), input);
  if (!plan.ok()) return Fail(plan.status());
  if (!plan->varying_context.empty()) {
    std::cerr << "polyscene: context features are taken from the first row; later rows differ in "
              << absl::StrJoin(plan->varying_context, ", ") << "\n";
  }
  const absl::StatusOr<v1::PredictResponse> response = client.Predict(plan->request);
  if (!response.ok()) return Fail(response.status());
  const absl::StatusOr<int> scored = ScoredRows(input.rows, *response);
  if (!scored.ok()) return Fail(scored.status());

  if (flags.top > 0 && response->ranking().empty()) {
    std::cerr << "polyscene: nothing ranks these rows (the scene has no `rank_by`, or not all of its tasks were asked "
                 "for): --top shows the first ones as they came\n";
  }
  if (common.json) {
    PrintJson(RankedJson(*plan, input.rows, *response, flags.top));
    return kDone;
  }
  std::cout << RankedTable(*plan, input.rows, *response, flags.top) << "\n"
            << *scored << (*scored == 1 ? " row" : " rows") << " scored by version " << response->model().version()
            << ", which has learned " << WithThousands(static_cast<long long>(response->model().rows_learned()))
            << " rows and is " << ReadableSeconds(response->model().weight_age_seconds()) << " old" << std::endl;
  return kDone;
}

}  // namespace

void AddPredictCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("predict", "Score rows with the newest model and rank them");
  command->footer(
      "FILE is CSV with a header line, a JSON array of objects, or a JSON object a line. Its rows are the candidates;\n"
      "context features come from its first row, or from --context. In a scene without candidate features every row\n"
      "is scored by itself.\n"
      "Examples, of the marketplace:\n"
      "  polyscene simulate --requests 1 --out items.csv && polyscene predict items.csv --scene search --top 10\n"
      "  polyscene simulate --requests 50 --labels --out r.csv && polyscene predict --evaluate r.csv --k 10");
  auto flags = std::make_shared<PredictFlags>();
  command->add_option("FILE", flags->file, "The rows; - for standard input");
  command
      ->add_option("--scene", flags->scene,
                   "The scene to score in (default: the one that the rows name, or the only one)")
      ->option_text("NAME");
  command->add_option("--context", flags->context, "A context feature's value; may be repeated")
      ->allow_extra_args(false)
      ->option_text("NAME=VALUE");
  command->add_option("--tasks", flags->tasks, "Tasks to score, separated by commas (default: all of the scene)")
      ->delimiter(',')
      ->option_text("NAMES");
  command->add_option("--top", flags->top, "Show only the best K rows (default: all)")
      ->check(CLI::PositiveNumber)
      ->option_text("K");
  CLI::Option* const evaluate =
      command->add_flag("--evaluate", flags->evaluate,
                        "FILE has labels and many requests: score each, print NDCG and the tasks' metrics");
  command->add_option("--k", flags->evaluation.k, "Of NDCG: the rows of a request that count (10)")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("K")
      ->needs(evaluate);
  command->add_option("--relevance", flags->evaluation.relevance, "Whose labels NDCG counts (the first of rank_by)")
      ->option_text("TASK")
      ->needs(evaluate);
  command
      ->add_option("--baseline", flags->evaluation.baselines, "TASK=COLUMN[/N]: a column to compare with; repeatable")
      ->allow_extra_args(false)
      ->option_text("T=C[/N]")
      ->needs(evaluate);
  command->callback([&common, flags, set_work] {
    set_work([&common, flags] { return flags->evaluate ? Evaluate(common, *flags) : Predict(common, *flags); });
  });
}

}  // namespace polyscene::cli
