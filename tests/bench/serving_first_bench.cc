// What a trainer that always has work does to Predict's latency, and how much of the idle processors it gets: a server
// under an open loop at half of what one core can, windows in which it learns flat out and windows in which learning is
// paused in turn.
//
//   serving_first_bench [SECONDS [PAIRS [ALLOWED]]]        of a window, 4; 12 pairs; 1.25
//
// Requests of 100 candidates of the reference model, Poisson arrivals, timed from when they were due, on the client.
// The latency target of the model file is ALLOWED times the p99 that is measured first, with learning paused: what the
// bench's own target leaves, as an operator sets it to what callers can bear and not to what is there without learning.
// The trainer is held to the time on the server, which is a part of what is measured here.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/lib/client.h"
#include "client/lib/event_stream.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/event_batch.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/server_load.h"
#include "tests/bench/support/started_server.h"
#include "tests/bench/support/table_row.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr int kCandidates = 100;
constexpr double kLoadOfACore = 0.5;
constexpr double kCostSeconds = 4;     // For what a request costs.
constexpr int kPausedWindows = 5;      // For the p99 that the target is made of.
constexpr double kSettleSeconds = 10;  // For the trainer's share to find its place.
constexpr int64_t kBatchRows = 1000;
constexpr int kDifferentBatches = 32;
constexpr double kMostRowsASecond =
    35'000;  // That one core learns of this model: two thirds more than LibTorch's does.

// Seconds of processor time that nobody used, of all cores, since the machine's start.
double IdleSeconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0;
  file >> cpu >> user >> nice >> system >> idle;
  return idle / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Seconds of processor time of the process' threads with that name.
double ThreadSeconds(pid_t process, const std::string& name) {
  double nanoseconds = 0;
  for (const fs::directory_entry& task : fs::directory_iterator(absl::StrCat("/proc/", process, "/task"))) {
    std::string of;
    double spent = 0;
    std::ifstream(task.path() / "comm") >> of;
    std::ifstream(task.path() / "schedstat") >> spent;
    if (of == name) nanoseconds += spent;
  }
  return 1e-9 * nanoseconds;
}

// One arm's windows.
struct Arm {
  std::vector<double> p99_millis;
  std::vector<double> idle_seconds;     // That were left in a window.
  std::vector<double> trainer_seconds;  // That the trainer got in it.
};

class ServingFirstBench {
 public:
  ServingFirstBench(double seconds, int pairs, double allowed) : seconds_(seconds), pairs_(pairs), allowed_(allowed) {}

  void Run() {
    PrintMachine();
    Start(ReferenceSpec());
    Check(Control().PauseLearning().status());
    MeasureRateAndTarget();
    const double target = 1e-3 * target_millis_;
    Start(ReferenceSpec({},
                        [target](v1::ModelFile& file) { file.mutable_serving()->set_latency_target_seconds(target); }));
    Check(Control().PauseLearning().status());
    FillLog();
    Window(/*learning=*/false, kSettleSeconds);
    Window(/*learning=*/true, kSettleSeconds);
    double shares = 0;
    for (int pair = 0; pair < pairs_; ++pair) {
      for (const bool learning : {pair % 2 == 0, pair % 2 != 0}) {
        Add(Window(learning, seconds_), learning ? learning_ : paused_);
        if (learning) shares += Check(Control().GetStatus()).trainer_share();
      }
    }
    Report(shares / pairs_);
  }

 private:
  struct Figures {
    double p99_millis = 0;
    double idle_seconds = 0;
    double trainer_seconds = 0;
  };

  client::Client Control() const { return client::Client({.server = server_->address()}); }

  void Start(const std::shared_ptr<const ModelSpec>& spec) {
    spec_ = spec;
    load_.reset();
    server_.reset();  // Before another one opens its data directory.
    server_ = std::make_unique<StartedServer>(StartModelServer(directory_.path(), "model", *spec));
    load::PoolOptions options;
    options.candidates = kCandidates;
    load_ = std::make_unique<ServerLoad>("server", server_->address(),
                                         Check(load::RandomRequests(spec->file(), options, kReferenceIds)));
  }

  void MeasureRateAndTarget() {
    load_->ClosedLoop(1, 1);
    const double before = CpuSecondsOf(server_->process());
    const load::LoadResult result = load_->ClosedLoop(1, kCostSeconds);
    const double cost = (CpuSecondsOf(server_->process()) - before) / static_cast<double>(result.measured.answered);
    rate_ = kLoadOfACore / cost;
    std::vector<double> p99;
    for (int window = 0; window < kPausedWindows; ++window) {
      p99.push_back(P99Millis(load_->OpenLoop(rate_, seconds_)));
    }
    target_millis_ = allowed_ * Median(p99);
    std::printf("a request costs the server %.2f ms, so %.0f requests/s; paused p99 %.2f ms, latency target %.2f ms\n",
                1e3 * cost, rate_, Median(p99), target_millis_);
    std::fflush(stdout);
  }

  // More than the trainer can learn in all the windows.
  void FillLog() {
    std::vector<v1::EventBatch> batches;
    ReferenceRows rows(spec_, 7);
    const int scenes = static_cast<int>(spec_->scenes().size());
    for (int i = 0; i < kDifferentBatches; ++i) {
      batches.push_back(ToEventBatch(*spec_, i % scenes, rows.Examples(kBatchRows)));
    }
    client::EventStreamOptions options;
    options.server = server_->address();
    options.producer_id = "serving_first_bench";
    client::EventStream stream(options);
    const double learning_seconds = pairs_ * (seconds_ + 1) + kSettleSeconds;
    const auto count = static_cast<int64_t>(learning_seconds * kMostRowsASecond / kBatchRows);
    for (int64_t i = 0; i < count; ++i) Check(stream.Send(batches[i % kDifferentBatches]).status());
    Check(stream.Finish(client::Milestone::kLogged));
    for (const client::RejectedEvent& rejected : stream.TakeRejected()) Check(absl::InternalError(rejected.message));
  }

  Figures Window(bool learning, double seconds) {
    Check(learning ? Control().ResumeLearning().status() : Control().PauseLearning().status());
    load_->OpenLoop(rate_, 0.5);  // What the change stirs up settles.
    Figures figures;
    const double idle = IdleSeconds();
    const double trainer = ThreadSeconds(server_->process(), "trainer");
    figures.p99_millis = P99Millis(load_->OpenLoop(rate_, seconds));
    figures.idle_seconds = IdleSeconds() - idle;
    figures.trainer_seconds = ThreadSeconds(server_->process(), "trainer") - trainer;
    const v1::GetStatusResponse status = Check(Control().GetStatus());
    if (learning && status.learned_offset() >= status.log_end_offset()) {
      Check(absl::InternalError("the trainer has learned everything: it was not flat out"));
    }
    return figures;
  }

  static void Add(const Figures& figures, Arm& arm) {
    arm.p99_millis.push_back(figures.p99_millis);
    arm.idle_seconds.push_back(figures.idle_seconds);
    arm.trainer_seconds.push_back(figures.trainer_seconds);
  }

  void Report(double share) const {
    PrintFigure(
        "p99 with the trainer learning flat out over paused, open loop at 50 % load of one core",
        IntervalOf(Ratios(learning_.p99_millis, paused_.p99_millis)), AtMost(1.25, "x"),
        absl::StrFormat("%.2f ms against %.2f ms at %.0f requests/s; target %.2f ms, trainer's share %.2f",
                        Median(learning_.p99_millis), Median(paused_.p99_millis), rate_, target_millis_, share));
    std::vector<double> percent;
    for (const double ratio : Ratios(learning_.trainer_seconds, paused_.idle_seconds)) percent.push_back(100 * ratio);
    PrintFigure("idle cycles that the trainer gets", IntervalOf(percent), AtLeast(60, " %"),
                absl::StrFormat("%.2f of the %.2f cores that are idle while it is paused",
                                Median(learning_.trainer_seconds) / seconds_, Median(paused_.idle_seconds) / seconds_));
  }

  const double seconds_;
  const int pairs_;
  const double allowed_;
  const TempDirectory directory_;
  std::shared_ptr<const ModelSpec> spec_;
  std::unique_ptr<StartedServer> server_;
  std::unique_ptr<ServerLoad> load_;
  double rate_ = 0;
  double target_millis_ = 0;
  Arm learning_;
  Arm paused_;
};

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  polyscene::ServingFirstBench(argc > 1 ? std::atof(argv[1]) : 4, argc > 2 ? std::atoi(argv[2]) : 12,
                               argc > 3 ? std::atof(argv[3]) : 1.25)
      .Run();
  return 0;
}
