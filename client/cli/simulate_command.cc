// `polyscene simulate`: the simulated marketplace, into a file or into a server.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/best_figures.h"
#include "client/cli/commands.h"
#include "client/feed/event_feed.h"
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "client/simulator/best_reachable.h"
#include "client/simulator/classic.h"
#include "client/simulator/csv_rows.h"
#include "client/simulator/event_tables.h"
#include "client/simulator/output_file.h"
#include "client/simulator/simulator.h"
#include "client/simulator/store_sales.h"
#include "client/status/status_json.h"
#include "model/report/figure_table.h"
#include "model/report/interrupt.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

using simulator::BestReachable;
using simulator::CsvRowsOptions;
using simulator::EventTables;
using simulator::MarketplaceModel;
using simulator::OutputFile;
using simulator::SimulatedRow;
using simulator::Simulator;

struct SimulateFlags {
  simulator::SimulationOptions simulation;
  std::string out;
  std::string classic;
  std::string stores;
  bool rows_given = false;
  bool stream = false;
  bool truth = false;
  bool labels = false;
  int64_t requests = 0;
  int candidates = 20;
  double evaluate_from_day = std::numeric_limits<double>::quiet_NaN();  // Half of the days.
  std::string producer;
};

// The event time from which rows are evaluated.
int64_t EvaluateFromSeconds(const SimulateFlags& flags) {
  const double day = std::isnan(flags.evaluate_from_day) ? flags.simulation.days / 2.0 : flags.evaluate_from_day;
  return simulator::kFirstSecond + std::llround(day * static_cast<double>(simulator::kSecondsPerDay));
}

// Writes the log, and tells `best` of its rows.
absl::Status WriteLog(const SimulateFlags& flags, BestReachable& best) {
  constexpr size_t kBufferBytes = 1 << 20;
  absl::StatusOr<OutputFile> file = OutputFile::Create(flags.out);
  if (!file.ok()) return file.status();
  const CsvRowsOptions options{.truth = flags.truth};
  std::string buffer;
  AppendCsvHeader(options, buffer);
  Simulator simulator(flags.simulation);
  std::vector<SimulatedRow> rows;
  while (simulator.Next(rows)) {
    for (const SimulatedRow& row : rows) {
      AppendCsvRow(options, row, buffer);
      best.Add(row);
    }
    if (buffer.size() < kBufferBytes) continue;
    if (absl::Status status = file->Write(buffer); !status.ok()) return status;
    buffer.clear();
  }
  if (absl::Status status = file->Write(buffer); !status.ok()) return status;
  return file->Close();
}

// "requests.csv" is "requests-3.csv" for the third of several requests.
std::string NumberedName(const std::string& name, int64_t number) {
  size_t end = name.size();
  if (absl::EndsWith(absl::string_view(name), ".gz")) end -= 3;
  if (absl::EndsWith(absl::string_view(name).substr(0, end), ".csv")) end -= 4;
  return absl::StrCat(name.substr(0, end), "-", number, name.substr(end));
}

// Writes a file of one request that `polyscene predict` takes.
absl::Status WriteRequest(const std::string& name, const std::vector<SimulatedRow>& rows, bool truth) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(name);
  if (!file.ok()) return file.status();
  const CsvRowsOptions options{.labels = false, .truth = truth};  // Nobody has seen it, so nobody has clicked.
  std::string text;
  AppendCsvHeader(options, text);
  for (const SimulatedRow& row : rows) AppendCsvRow(options, row, text);
  if (absl::Status status = file->Write(text); !status.ok()) return status;
  return file->Close();
}

// Writes all requests into one file that `polyscene predict --evaluate` takes: the scenes in turn, with what would
// follow.
absl::Status WriteLabelledRequests(const SimulateFlags& flags, int64_t& rows_written) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(flags.out);
  if (!file.ok()) return file.status();
  const CsvRowsOptions options{.truth = flags.truth};
  std::string text;
  AppendCsvHeader(options, text);
  Simulator simulator(flags.simulation);
  std::vector<SimulatedRow> rows;
  for (int64_t i = 0; i < flags.requests; ++i) {
    simulator.FutureRequest(static_cast<simulator::Scene>(i % simulator::kScenes), flags.candidates, rows);
    for (const SimulatedRow& row : rows) AppendCsvRow(options, row, text);
    rows_written += static_cast<int64_t>(rows.size());
    if (absl::Status status = file->Write(text); !status.ok()) return status;
    text.clear();
  }
  return file->Close();
}

int SimulateLabelledRequests(const CommonFlags& common, const SimulateFlags& flags) {
  int64_t rows = 0;
  if (absl::Status status = WriteLabelledRequests(flags, rows); !status.ok()) return Fail(status);
  if (common.json) {
    PrintJson({{"file", flags.out}, {"requests", flags.requests}, {"rows", rows}});
  } else {
    std::cout << WithThousands(flags.requests) << " requests, " << WithThousands(rows)
              << " rows: polyscene predict --evaluate " << flags.out << "\n";
  }
  return kDone;
}

int SimulateRequests(const CommonFlags& common, const SimulateFlags& flags) {
  Simulator simulator(flags.simulation);
  Json requests = Json::array();
  std::vector<SimulatedRow> rows;
  for (int64_t i = 1; i <= flags.requests; ++i) {
    simulator.RankingRequest(flags.candidates, rows);
    const std::string name = flags.requests == 1 ? flags.out : NumberedName(flags.out, i);
    if (absl::Status status = WriteRequest(name, rows, flags.truth); !status.ok()) return Fail(status);
    const std::string scene(simulator::SceneName(rows[0].scene));
    if (common.json) {
      requests.push_back({{"file", name}, {"scene", scene}, {"rows", rows.size()}});
    } else {
      std::cout << rows.size() << " candidates: polyscene predict " << name << " --scene " << scene << "\n";
    }
  }
  if (common.json) PrintJson({{"requests", requests}});
  return kDone;
}

// Writes `rows` rows of the classic program's data.
absl::Status WriteClassic(const std::string& name, int64_t rows, simulator::ClassicRows& classic) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(name);
  if (!file.ok()) return file.status();
  std::string text = simulator::ClassicRows::Header();
  for (int64_t row = 0; row < rows; ++row) {
    classic.AppendRow(text);
    if (text.size() < 1 << 20 && row + 1 < rows) continue;
    if (absl::Status status = file->Write(text); !status.ok()) return status;
    text.clear();
  }
  return file->Close();
}

int SimulateClassic(const CommonFlags& common, const SimulateFlags& flags) {
  constexpr int64_t kClassicRows = 5000;
  const int64_t rows = flags.rows_given ? flags.simulation.rows : kClassicRows;
  const int64_t test_rows = rows / 5;
  if (test_rows == 0) return UsedWrongly("--classic: expected at least 5 --rows, for a fifth of them are for testing");
  std::error_code error;
  std::filesystem::create_directories(flags.classic, error);
  if (error) return Fail(absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create ", flags.classic)));
  const std::string train = (std::filesystem::path(flags.classic) / "train.csv").string();
  const std::string test = (std::filesystem::path(flags.classic) / "test.csv").string();
  simulator::ClassicRows classic(flags.simulation.seed);
  if (absl::Status status = WriteClassic(train, rows - test_rows, classic); !status.ok()) return Fail(status);
  if (absl::Status status = WriteClassic(test, test_rows, classic); !status.ok()) return Fail(status);
  if (common.json) {
    PrintJson({{"train", train}, {"train_rows", rows - test_rows}, {"test", test}, {"test_rows", test_rows}});
  } else {
    std::cout << WithThousands(rows - test_rows) << " rows written to " << train << ", " << WithThousands(test_rows)
              << " to " << test << "\n";
  }
  return kDone;
}

absl::Status WriteStores(const std::string& name, simulator::StoreSales& sales) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(name);
  if (!file.ok()) return file.status();
  std::string text = simulator::StoreSales::Header();
  while (sales.AppendDay(text)) {
    if (absl::Status status = file->Write(text); !status.ok()) return status;
    text.clear();
  }
  return file->Close();
}

int SimulateStores(const CommonFlags& common, const SimulateFlags& flags) {
  const int first_day = std::isnan(flags.evaluate_from_day) ? flags.simulation.days / 2
                                                            : static_cast<int>(std::lround(flags.evaluate_from_day));
  if (first_day >= flags.simulation.days) return UsedWrongly("--evaluate_from_day: expected a day before --days");
  simulator::StoreSales sales({flags.simulation.seed, flags.simulation.days});
  if (absl::Status status = WriteStores(flags.stores, sales); !status.ok()) return Fail(status);
  const double best = sales.BestR2(first_day);
  if (common.json) {
    PrintJson({{"file", flags.stores}, {"rows", sales.rows()}, {"best_r2", JsonNumber(best)}});
  } else {
    std::cout << WithThousands(sales.rows()) << " rows written to " << flags.stores
              << "\nBest reachable, the mean R2 of the seven days ahead from day " << first_day
              << " on: " << absl::StrFormat("%.3f", best) << "\n";
  }
  return kDone;
}

int SimulateToFile(const CommonFlags& common, const SimulateFlags& flags) {
  const absl::Time start = absl::Now();
  BestReachable best(EvaluateFromSeconds(flags));
  if (absl::Status status = WriteLog(flags, best); !status.ok()) return Fail(status);
  const int64_t rows = flags.simulation.rows;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);

  google::protobuf::RepeatedPtrField<v1::EvaluationFigure> figures;
  for (const EvaluationFigure& figure : best.Figures()) {
    v1::EvaluationFigure* const added = figures.Add();
    added->set_scene(figure.scene);
    added->set_task(figure.task);
    added->set_metric(figure.metric);
    added->set_value(figure.value);
    added->set_rows(figure.rows);
  }
  if (common.json) {
    Json json;
    json["file"] = flags.out;
    json["rows"] = rows;
    json["seconds"] = JsonNumber(seconds);
    json["rows_per_second"] = JsonNumber(static_cast<double>(rows) / seconds);
    json["evaluation"] = FiguresJson(FiguresOf(figures));
    PrintJson(json);
    return kDone;
  }
  std::cout << WithThousands(rows) << " rows written to " << flags.out << " in " << ReadableSeconds(seconds) << "\n";
  if (!figures.empty()) {  // There are none where nothing is evaluated.
    std::cout << "\nBest reachable: the AUC of the probabilities that the labels were drawn with, from "
              << absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(EvaluateFromSeconds(flags)), absl::UTCTimeZone())
              << " on\n"
              << FigureTable(FiguresOf(figures));
  }
  return kDone;
}

// Sends every row; what the best model would reach on them is in `best`.
absl::Status SendRows(const SimulateFlags& flags, const MarketplaceModel& model, EventFeed& feed, BestReachable& best) {
  constexpr int64_t kWindowRows = 512;  // Before they are sent scene by scene; as `polyscene stream` has it.
  EventTables tables(model);
  const auto send = [&]() {
    for (EventTable& table : tables.Take()) {
      std::vector<int64_t> numbers = std::move(table.lines);
      if (absl::Status status = feed.Send(client::EncodeBatch(std::move(table)), std::move(numbers)); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  };
  Simulator simulator(flags.simulation);
  std::vector<SimulatedRow> rows;
  absl::Status status;
  while (status.ok() && simulator.Next(rows)) {
    for (const SimulatedRow& row : rows) {
      tables.Add(row);
      best.Add(row);
    }
    if (tables.rows() < kWindowRows) continue;
    feed.SetFractionSent(static_cast<double>(simulator.rows_made()) / static_cast<double>(flags.simulation.rows));
    status = send();
  }
  if (status.ok()) status = send();
  feed.SetFractionSent(1);
  return status;
}

int SimulateToServer(const CommonFlags& common, const SimulateFlags& flags) {
  const absl::StatusOr<v1::GetModelResponse> served =
      client::Client(client::ClientOptions{.server = common.server}).GetModel();
  if (!served.ok()) return Fail(served.status());
  const absl::StatusOr<MarketplaceModel> model = MarketplaceModel::Of(served->model());
  if (!model.ok()) return Fail(model.status());

  FeedOptions options;
  options.server = common.server;
  options.producer = flags.producer;
  options.evaluate_from_micros = EvaluateFromSeconds(flags) * 1'000'000;
  // The server tells an evaluation as of its last publish: only then are the last rows in it, and the two AUCs of the
  // same rows.
  options.wait_for = client::Milestone::kServed;
  BestReachable best(EvaluateFromSeconds(flags));
  EventFeed feed(options);
  if (absl::Status status = SendRows(flags, *model, feed, best); !status.ok()) return Fail(status);
  absl::StatusOr<FeedSummary> summary = feed.Finish();
  if (!summary.ok()) return Fail(summary.status());

  *summary->status.mutable_evaluation() = WithBestFigures(summary->status.evaluation(), best.Figures());
  if (common.json) {
    PrintJson(SummaryJson(*summary));
  } else {
    std::cout << SummaryText(*summary)
              << "best_auc: the AUC of the probabilities that the labels were drawn with; no model can do better.\n";
  }
  if (summary->rows_rejected > 0) {
    return Fail(
        absl::InternalError(absl::StrCat(summary->rows_rejected, " simulated rows were refused, expected none")));
  }
  return kDone;
}

int Simulate(const CommonFlags& common, const SimulateFlags& flags) {
  if (!flags.stream) CatchInterrupts();  // A file is whole or not there; what was streamed is the server's.
  if (!flags.classic.empty()) {
    if (flags.stream || !flags.out.empty()) return UsedWrongly("--classic DIR: expected no --stream or --out with it");
    return SimulateClassic(common, flags);
  }
  if (!flags.stores.empty()) {
    if (flags.stream || !flags.out.empty() || flags.rows_given) {
      return UsedWrongly("--stores FILE: expected no --stream, --out or --rows with it; --days says how many");
    }
    return SimulateStores(common, flags);
  }
  if (flags.stream != flags.out.empty()) {
    return UsedWrongly(flags.stream ? "--stream and --out: expected one of them"
                                    : "expected --stream, --out FILE, --stores FILE or --classic DIR");
  }
  if (flags.requests > 0 && flags.stream) {
    return UsedWrongly("--requests: requests to be ranked have no labels to learn; expected --out FILE with it");
  }
  if (flags.truth && flags.stream) return UsedWrongly("--truth: expected --out FILE with it");
  if (flags.labels && flags.requests == 0) return UsedWrongly("--labels: expected --requests N with it");
  if (flags.labels) return SimulateLabelledRequests(common, flags);
  if (flags.requests > 0) return SimulateRequests(common, flags);
  return flags.stream ? SimulateToServer(common, flags) : SimulateToFile(common, flags);
}

}  // namespace

void AddSimulateCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand(
      "simulate", "A simulated marketplace, which knows the best reachable AUC: to a file or a server");
  command->footer(
      "The server must run deploy/models/marketplace.textproto, or a model with a part of its features and tasks.\n"
      "The same seed gives the same rows; with --producer, running the same command again resumes.\n\n"
      "Examples:\n"
      "  polyscene simulate --rows 50000 --stream\n"
      "  polyscene simulate --rows 50000 --out events.csv.gz\n"
      "  polyscene simulate --requests 1 --out request.csv && polyscene predict request.csv --scene search");
  auto flags = std::make_shared<SimulateFlags>();
  const CLI::Option* rows = command->add_option("--rows", flags->simulation.rows, "Rows, spread over all days")
                                ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
                                ->capture_default_str();
  command->add_option("--seed", flags->simulation.seed, "Decides everything")->capture_default_str();
  command->add_option("--days", flags->simulation.days, "Simulated days, over which tastes drift")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  command->add_flag("--stream", flags->stream, "Stream the rows to --server, which learns them");
  command->add_option("--out", flags->out, "Write the rows to this CSV file, with gzip if it ends in .gz");
  command
      ->add_option("--requests", flags->requests,
                   "With --out: requests to be ranked instead, a file each: FILE, or FILE-1, FILE-2, ...")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}));
  command->add_option("--candidates", flags->candidates, "Candidates of each of them")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("--labels", flags->labels,
                    "With --requests: all in one FILE, with what would follow, for predict --evaluate");
  command->add_flag("--truth", flags->truth,
                    "With --out: also the true probabilities, as p_click, p_purchase, p_churn");
  command
      ->add_option("--evaluate_from_day", flags->evaluate_from_day,
                   "Evaluate rows from this day on (default: the last half)")
      ->check(CLI::Range(0.0, 3650.0));
  command->add_option("--producer", flags->producer, "With --stream: who sends, 1 to 64 bytes (default: a new one)");
  command->add_option("--stores", flags->stores,
                      "Daily sales of six stores into this CSV file instead, for deploy/models/stores.textproto");
  command->add_option("--classic", flags->classic,
                      "Into this folder instead: train.csv and test.csv for deploy/models/classic.textproto");
  command->callback([&common, flags, rows, set_work] {
    flags->rows_given = rows->count() > 0;
    set_work([&common, flags] { return Simulate(common, *flags); });
  });
}

}  // namespace polyscene::cli
