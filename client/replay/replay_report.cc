#include "client/replay/replay_report.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene::replay {
namespace {

std::string Count(int64_t value) { return WithThousands(value); }

std::string Agreement(const ReplaySummary& summary) {
  if (std::isnan(summary.served_difference)) return "server and client did not evaluate the same rows\n";
  if (summary.served_difference == 0) return "server and client agree exactly\n";
  return absl::StrCat("server and client differ by at most ", absl::StrFormat("%.2g", summary.served_difference),
                      summary.exact ? "" : "; AUC is of bins, there were too many scores to keep", "\n");
}

}  // namespace

Json ReplayJson(const ReplaySummary& summary) {
  Json json = cli::SummaryJson(summary.feed);
  json["requests"] = summary.requests;
  json["rows_predicted"] = summary.rows_predicted;
  json["rows_unlabelled"] = summary.rows_unlabelled;
  json["rows_not_remembered"] = summary.rows_not_remembered;
  json["rows_out_of_order"] = summary.rows_out_of_order;
  json["labels_unsent"] = summary.labels_unsent;
  json["served_evaluation"] = FiguresJson(cli::FiguresOf(summary.feed.status.served_evaluation()));
  json["client_evaluation"] = FiguresJson(summary.answers);
  if (!summary.answers_by_event.empty()) {
    json["client_evaluation_by_event_time"] = FiguresJson(summary.answers_by_event);
  }
  json["served_difference"] = JsonNumber(summary.served_difference);
  return json;
}

std::string ReplayText(const ReplaySummary& summary) {
  const double rate = summary.feed.seconds > 0 ? static_cast<double>(summary.rows_predicted) / summary.feed.seconds : 0;
  std::string text = absl::StrCat(Count(summary.rows_predicted), " rows predicted in ", Count(summary.requests),
                                  " requests, labels of ", Count(summary.feed.rows_accepted), " of them learned in ",
                                  ReadableSeconds(summary.feed.seconds), ": ", Count(std::llround(rate)), " rows/s\n");
  const auto tell = [&text](int64_t rows, absl::string_view what) {
    if (rows > 0) absl::StrAppend(&text, Count(rows), rows == 1 ? " row " : " rows ", what, "\n");
  };
  tell(summary.rows_unlabelled, "without any label");
  tell(summary.rows_not_remembered, "not remembered, for lack of room: their labels were not sent");
  tell(summary.rows_out_of_order, "with a time before that of the row before: later labels were known already");
  tell(summary.labels_unsent, "whose labels were not sent");
  absl::StrAppend(&text, cli::StateText(summary.feed));
  const auto table = [&text](absl::string_view title, const std::vector<EvaluationFigure>& figures) {
    if (!figures.empty()) absl::StrAppend(&text, "\n", title, "\n", FigureTable(figures));
  };
  table("Learned: the step's own scores when the labels came (server)",
        cli::FiguresOf(summary.feed.status.evaluation()));
  table("Served: what callers got (server)", cli::FiguresOf(summary.feed.status.served_evaluation()));
  table("Served: what this caller got (client)", summary.answers);
  if (!summary.answers.empty()) absl::StrAppend(&text, Agreement(summary));
  table("The same, of rows by their event time", summary.answers_by_event);
  return text;
}

}  // namespace polyscene::replay
