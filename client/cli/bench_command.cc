// `polyscene bench`: load on a server, and what it does to latency.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "client/load/file_requests.h"
#include "client/load/learning_feed.h"
#include "client/load/live_line.h"
#include "client/load/load_report.h"
#include "client/load/load_run.h"
#include "client/load/random_requests.h"
#include "client/load/stream_caller.h"
#include "client/load/unary_caller.h"
#include "model/data/byte_source.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(3);
constexpr absl::Duration kLearnPatience = absl::Seconds(30);  // For the events that the trainer is behind, at the end.
constexpr double kDefaultRate = 100;

struct BenchFlags {
  double rate = 0;
  int concurrency = 0;
  bool uniform = false;
  double seconds = 10;
  double warmup = 2;
  double timeout = 1;
  int64_t max_in_flight = 1000;
  int connections = 1;
  bool stream = false;
  load::PoolOptions pool;
  int64_t ids = 100'000;
  std::string rows;
  std::string while_streaming;
  double events_rate = 0;
};

std::atomic<bool> g_stop{false};

// The first Ctrl-C ends the run, which then tells what it measured; the second ends the program.
void StopOnSignals() {
  static_assert(std::atomic<bool>::is_always_lock_free);
  struct sigaction action = {};
  action.sa_handler = [](int) { g_stop = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// One bench: the requests, and how they are sent.
class Bench {
 public:
  Bench(const CommonFlags& common, const BenchFlags& flags) : common_(common), flags_(flags) {
    options_.rate = flags.concurrency > 0 ? 0 : flags.rate > 0 ? flags.rate : kDefaultRate;
    options_.concurrency = flags.concurrency;
    options_.arrivals = flags.uniform ? load::Arrivals::Kind::kUniform : load::Arrivals::Kind::kPoisson;
    options_.warmup = absl::Seconds(flags.warmup);
    options_.duration = absl::Seconds(flags.seconds);
    options_.timeout = absl::Seconds(flags.timeout);
    options_.max_in_flight = flags.max_in_flight;
  }

  absl::Status Prepare() {
    client::Client client({.server = common_.server, .timeout = kConnectTimeout});
    absl::StatusOr<v1::GetModelResponse> model = client.GetModel();
    if (!model.ok()) return model.status();
    model_ = std::move(*model->mutable_model());
    absl::StatusOr<std::vector<load::PreparedRequest>> pool =
        flags_.rows.empty() ? load::RandomRequests(model_, flags_.pool, flags_.ids)
                            : load::FileRequests(flags_.rows, model_, flags_.pool);
    if (!pool.ok()) return pool.status();
    pool_ = *std::move(pool);
    auto channels = load::Connect(common_.server, flags_.connections, kConnectTimeout);
    if (!channels.ok()) return channels.status();
    if (flags_.stream) {
      caller_ = std::make_unique<load::StreamCaller>(*channels, pool_);
    } else {
      caller_ = std::make_unique<load::UnaryCaller>(*channels, pool_);
    }
    const absl::StatusOr<v1::GetStatusResponse> status = client.GetStatus();
    if (status.ok() && status->log_end_offset() > status->learned_offset()) {
      std::cerr << "polyscene: the server is still learning "
                << WithThousands(static_cast<long long>(status->log_end_offset() - status->learned_offset()))
                << " events from before\n";
    }
    return absl::OkStatus();
  }

  // How it is loaded, in a line.
  std::string Description() const {
    int64_t rows = 0;
    for (const load::PreparedRequest& request : pool_) rows = std::max(rows, request.rows);
    const std::string loop = options_.rate > 0 ? absl::StrCat(flags_.uniform ? "uniform" : "Poisson", " arrivals, ",
                                                              options_.rate, " requests/s")
                                               : absl::StrCat("closed loop, ", options_.concurrency, " callers");
    return absl::StrCat(loop, ", ", rows, rows == 1 ? " row" : " rows", " a request, ",
                        flags_.stream ? "PredictStream" : "Predict", " over ", flags_.connections,
                        flags_.connections == 1 ? " connection, " : " connections, ", flags_.seconds, " s after ",
                        flags_.warmup, " s of warm-up");
  }

  load::LoadColumn RunAlone(const std::string& title) {
    load::MonotonicClock clock;
    load::LoadRun run(options_, pool_, *caller_, clock);
    const load::LiveLine line(title, run);
    return {title, options_, run.Run(g_stop)};
  }

  // error: why the events could not be streamed to the end of the run.
  load::LoadColumn RunWhileLearning(load::LearningFeed& feed, absl::Status& error) {
    const absl::StatusOr<uint64_t> before = feed.Learned();
    const absl::Time start = absl::Now();
    load::LoadColumn column = RunAlone("while learning");
    const absl::StatusOr<uint64_t> after = feed.Learned();
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    error = !before.ok() ? before.status() : after.status();
    column.events_per_second = error.ok() && seconds > 0 ? static_cast<double>(*after - *before) / seconds : 0;
    const absl::Status end = feed.Stop(g_stop ? absl::ZeroDuration() : kLearnPatience);
    if (error.ok()) error = end;
    return column;
  }

  absl::StatusOr<std::unique_ptr<load::LearningFeed>> StartFeed() const {
    return load::LearningFeed::Start(
        {.server = common_.server, .file = flags_.while_streaming, .rate = flags_.events_rate}, model_);
  }

 private:
  const CommonFlags& common_;
  const BenchFlags& flags_;
  load::LoadOptions options_;
  v1::ModelFile model_;
  std::vector<load::PreparedRequest> pool_;
  std::unique_ptr<load::Caller> caller_;
};

int Report(const CommonFlags& common, const std::string& description, const std::vector<load::LoadColumn>& columns) {
  if (common.json) {
    Json json = load::LoadJson(columns.back());
    if (columns.size() > 1) json["without_learning"] = load::LoadJson(columns.front());
    PrintJson(json);
  } else {
    std::cout << description << "\n" << load::LoadTable(columns) << std::flush;
  }
  if (g_stop) {
    std::cerr << "polyscene: interrupted; these are the figures until then\n";
    return kFailed;
  }
  for (const load::LoadColumn& column : columns) {
    if (column.result.measured.answered == 0) {
      return Fail(absl::UnavailableError(absl::StrCat(column.title, ": no request was answered")));
    }
  }
  return kDone;
}

int RunBench(const CommonFlags& common, const BenchFlags& flags) {
  if (flags.rate > 0 && flags.concurrency > 0) {
    return UsedWrongly("--rate is an open loop, --concurrency a closed one: expected one of them");
  }
  StopOnSignals();
  Bench bench(common, flags);
  if (absl::Status status = bench.Prepare(); !status.ok()) return Fail(status);
  std::vector<load::LoadColumn> columns;
  if (flags.while_streaming.empty()) {
    columns.push_back(bench.RunAlone("serving"));
    return Report(common, bench.Description(), columns);
  }
  // Opened before the first run: a wrong path should not cost a run.
  if (absl::Status status = ByteSource::Open(flags.while_streaming).status(); !status.ok()) return Fail(status);
  columns.push_back(bench.RunAlone("serving alone"));
  absl::Status error;
  if (!g_stop) {
    const absl::StatusOr<std::unique_ptr<load::LearningFeed>> feed = bench.StartFeed();
    if (!feed.ok()) return Fail(feed.status());
    columns.push_back(bench.RunWhileLearning(**feed, error));
  }
  const int exit_status = Report(common, bench.Description(), columns);
  return error.ok() || exit_status != kDone ? exit_status : Fail(error);
}

}  // namespace

void AddBenchCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("bench", "Load the server and tell its latency, rate and errors");
  command->footer(
      "With --rate, requests are sent when they are due and timed from then on, whatever the server does, so that a\n"
      "stall shows in all of them; with --concurrency, each caller waits for its answer before it goes on.\n"
      "Example:\n  polyscene bench --rate 200 --seconds 10 --candidates 100");
  auto flags = std::make_shared<BenchFlags>();
  const auto positive = CLI::Range(1e-3, 1e7);
  // Short placeholders, so that the help fits a screen.
  command->add_option("--rate", flags->rate, "Requests a second (default: 100, unless --concurrency)")
      ->check(positive)
      ->option_text("R");
  command->add_option("--concurrency", flags->concurrency, "Callers of a closed loop")
      ->check(CLI::Range(1, 10000))
      ->option_text("N");
  command->add_flag("--uniform", flags->uniform, "Equal gaps between requests, instead of a Poisson process");
  command->add_option("--seconds", flags->seconds, "How long to measure (10)")
      ->check(CLI::Range(0.1, 1e6))
      ->option_text("S");
  command->add_option("--warmup", flags->warmup, "Seconds of load before (2)")
      ->check(CLI::Range(0.0, 1e6))
      ->option_text("S");
  command->add_option("--candidates", flags->pool.candidates, "Rows of a request (100)")
      ->check(CLI::Range(1, 100000))
      ->option_text("N");
  command->add_option("--scene", flags->pool.scenes, "Scenes, separated by commas (all)")
      ->delimiter(',')
      ->option_text("NAMES");
  command->add_option("--tasks", flags->pool.tasks, "Tasks, separated by commas (all)")
      ->delimiter(',')
      ->option_text("NAMES");
  command->add_option("--rows", flags->rows, "Rows of this CSV or JSON file, instead of made-up ones")
      ->option_text("FILE");
  command->add_option("--ids", flags->ids, "Made-up ids are below it (100000)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50))
      ->option_text("N");
  command->add_flag("--stream", flags->stream, "PredictStream instead of Predict");
  command->add_option("--connections", flags->connections, "Connections to the server (1)")
      ->check(CLI::Range(1, 1000))
      ->option_text("N");
  command->add_option("--timeout", flags->timeout, "Seconds that a request may take (1)")
      ->check(CLI::Range(1e-3, 3600.0))
      ->option_text("S");
  command->add_option("--max_in_flight", flags->max_in_flight, "Unanswered; beyond, a request is an error (1000)")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->option_text("N");
  command
      ->add_option("--while_streaming", flags->while_streaming,
                   "Run again while this file's events are learned, over and over")
      ->option_text("FILE");
  command->add_option("--events_rate", flags->events_rate, "Of those, a second (as fast as they are learned)")
      ->check(positive)
      ->option_text("R");
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return RunBench(common, *flags); }); });
}

}  // namespace polyscene::cli
