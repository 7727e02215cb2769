#include "model/offline/train_report.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

std::string TaskLosses(const ModelSpec& spec, const std::vector<double>& losses, absl::string_view separator) {
  std::vector<std::string> parts;
  for (size_t t = 0; t < losses.size(); ++t) {
    parts.push_back(absl::StrCat(spec.tasks()[t].name, " ", Readable(losses[t])));
  }
  return absl::StrJoin(parts, separator);
}

Json TaskLossesJson(const ModelSpec& spec, const std::vector<double>& losses) {
  Json json = Json::object();
  for (size_t t = 0; t < losses.size(); ++t) json[spec.tasks()[t].name] = JsonNumber(losses[t]);
  return json;
}

double Rate(const EpochReport& report) {
  return report.seconds > 0 ? static_cast<double>(report.rows) / report.seconds : 0;
}

}  // namespace

std::string EpochLine(const ModelSpec& spec, const EpochReport& report, int epoch, int epochs) {
  std::string line = absl::StrCat("epoch ", epoch, "/", epochs, "  loss ", Readable(report.loss), "  ",
                                  TaskLosses(spec, report.task_losses, "  "), "  ", WithThousands(report.rows),
                                  " rows  ", WithThousands(std::llround(Rate(report))), " rows/s");
  if (report.steps_passed_over > 0) {
    absl::StrAppend(&line, "  ", report.steps_passed_over, " steps passed over: loss or gradient not finite");
  }
  return line;
}

std::string EvaluationText(const ModelSpec& spec, const FileEvaluation& evaluation) {
  return absl::StrCat(FigureTable(evaluation.figures), "weighted test loss ", Readable(evaluation.loss), "  (",
                      TaskLosses(spec, evaluation.task_losses, ", "), ")  ", WithThousands(evaluation.rows), " rows\n");
}

Json EpochJson(const ModelSpec& spec, const EpochReport& report, int epoch) {
  return {{"epoch", epoch},
          {"loss", JsonNumber(report.loss)},
          {"task_losses", TaskLossesJson(spec, report.task_losses)},
          {"rows", report.rows},
          {"steps_passed_over", report.steps_passed_over},
          {"seconds", JsonNumber(report.seconds)},
          {"rows_per_second", JsonNumber(Rate(report))}};
}

void SetEvaluation(const ModelSpec& spec, const std::optional<FileEvaluation>& evaluation, Json& json) {
  if (evaluation.has_value()) {
    json["test_rows"] = evaluation->rows;
    json["test_loss"] = JsonNumber(evaluation->loss);
    json["test_task_losses"] = TaskLossesJson(spec, evaluation->task_losses);
  }
  json["evaluation"] = evaluation.has_value() ? FiguresJson(evaluation->figures) : Json::array();
}

}  // namespace polyscene
