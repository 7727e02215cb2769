// Checkpoints of a large table: time, bytes and memory of a full and of an incremental one and of loading, and what a
// checkpoint that is being written does to Predict while the trainer learns on.
//
//   checkpoint_bench DIRECTORY [MILLION_ROWS] [PAIRS]
//
// For the last, windows with a full checkpoint and windows without alternate: 12 pairs by default. Printed are the
// percentiles of each arm's pooled requests, and the median of the pairs' ratios with its 90 % interval.
//
// Leaves DIRECTORY/model.textproto and DIRECTORY/full, from which a server can be warm-started.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/caller.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/statistics.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr char kModel[] = R"(name: "checkpoint bench"
features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 16 } } } }
features { name: "history" side: CONTEXT type: INT64 sequence { max_length: 10000 }
           encode { hash { embedding { dimension: 16 table: "item" } } } }
features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 16 table: "item" } } } }
features { name: "brand" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 16 } } } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
scenes { name: "shop" tasks: ["click"] rank_by { factors { task: "click" } } }
tasks { name: "click" binary {} }
network { mmoe { experts: 4 hidden: [256, 128] } tower: [64] }
)";

constexpr int64_t kStepRows = 256;
constexpr int64_t kCandidates = 100;
constexpr int kNice = 10;  // As the server's trainer.

void BeNice() { setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice); }

void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Rows of a step: ids drawn evenly from the table's.
class Rows {
 public:
  explicit Rows(int64_t items) : items_(items) {}

  Table Next(int64_t rows) {
    Table table;
    table.rows = rows;
    Fill(table.Add("user", ValueType::kInt64).ints, rows, 1'000'000);
    Fill(table.Add("item", ValueType::kInt64).ints, rows, items_);
    Fill(table.Add("brand", ValueType::kInt64).ints, rows, 10'000);
    auto& prices = table.Add("price", ValueType::kFloat).floats;
    for (int64_t i = 0; i < rows; ++i) prices.push_back(static_cast<float>(random_() % 100));
    return table;
  }

 private:
  void Fill(std::vector<int64_t>& ints, int64_t rows, int64_t below) {
    for (int64_t i = 0; i < rows; ++i) ints.push_back(static_cast<int64_t>(random_() % below));
  }
  const int64_t items_;
  std::mt19937_64 random_{1};
};

struct Written {
  double held_up = 0;  // Seconds that the caller was.
  double took = 0;
  double megabytes = 0;
  double memory_mb = 0;  // How much more than before was resident at the worst moment.
};

// Writes beside whoever calls, as the server does.
Written WriteBeside(Learner& learner, const fs::path& path, CheckpointKind kind,
                    const std::function<void()>& meanwhile) {
  Written written;
  ResetPeak();
  const double before = MemoryMb("VmRSS");
  const Stopwatch begin;
  std::unique_ptr<CheckpointJob> job = Check(learner.BeginCheckpoint(0, kind));
  written.held_up = begin.seconds();
  std::atomic<bool> done{false};
  absl::Status status;
  std::thread writer([&] {
    BeNice();
    const Stopwatch write;
    status = job->Write(path);
    written.took = write.seconds();
    done = true;
  });
  while (!done) meanwhile();
  writer.join();
  Check(status);
  written.megabytes = static_cast<double>(job->bytes_written()) / 1e6;
  written.memory_mb = MemoryMb("VmHWM") - before;
  learner.EndCheckpoint(std::move(job));
  return written;
}

void Print(const char* what, const Written& written) {
  std::printf("%s checkpoint: trainer held up %.1f ms, written in %.2f s, %.1f MB new, peak memory +%.0f MB\n", what,
              1e3 * written.held_up, written.took, written.megabytes, written.memory_mb);
  std::fflush(stdout);
}

// One arm of the comparison: all its requests, and the p99 of each of its windows.
struct Arm {
  std::vector<double> milliseconds;
  std::vector<double> p99;

  void Add(const std::vector<double>& window) {
    milliseconds.insert(milliseconds.end(), window.begin(), window.end());
    p99.push_back(Percentile(window, 0.99));
  }
  void Print(const char* what) const {
    std::printf("Predict of %lld candidates, %s: %zu requests, p50 %.2f ms, p99 %.2f ms\n",
                static_cast<long long>(kCandidates), what, milliseconds.size(), Percentile(milliseconds, 0.5),
                Percentile(milliseconds, 0.99));
  }
};

void PrintRatio(const Arm& with, const Arm& without) {
  const MedianInterval ratio = IntervalOf(Ratios(with.p99, without.p99));
  std::printf("p99 with a checkpoint over p99 without: median %.2f of %zu pairs, 90 %% interval %.2f to %.2f\n",
              ratio.median, with.p99.size(), ratio.low, ratio.high);
}

// The trainer's thread is nice and the caller's is not, as in the server.
void ComparePredict(Learner& learner, const std::shared_ptr<const ModelSpec>& spec, const fs::path& directory,
                    int64_t items, int pairs) {
  Rows rows(items);
  const auto learn = [&] { LearnRows(learner, rows.Next(kStepRows)); };
  Rows asked(items);
  Caller caller(
      spec, [snapshot = Check(learner.MakeSnapshot(1, 0))] { return snapshot; },
      [&asked] {
        Caller::Tables tables;
        tables.context.rows = 1;
        tables.context.Add("user", ValueType::kInt64).ints = {17};
        tables.candidates = asked.Next(kCandidates);
        return tables;
      });
  Arm with;
  Arm without;
  std::thread([&] {
    BeNice();
    for (const Stopwatch watch; watch.seconds() < 2;) learn();
    for (int pair = 0; pair < pairs; ++pair) {
      const fs::path path = directory / "again";
      caller.Take();
      const Stopwatch watch;
      WriteBeside(learner, path, CheckpointKind::kFull, learn);
      const double window = watch.seconds();
      with.Add(caller.Take());
      fs::remove_all(path);
      for (const Stopwatch settle; settle.seconds() < 0.5;) learn();
      caller.Take();
      for (const Stopwatch watch; watch.seconds() < window;) learn();
      without.Add(caller.Take());
    }
  }).join();
  without.Print("trainer learning, no checkpoint");
  with.Print("trainer learning, a full checkpoint being written");
  PrintRatio(with, without);
}

int Run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: checkpoint_bench DIRECTORY [MILLION_ROWS] [PAIRS]\n");
    return 2;
  }
  const fs::path directory = argv[1];
  const int64_t items = (argc > 2 ? std::atoll(argv[2]) : 10) * 1'000'000;
  const int pairs = argc > 3 ? std::atoi(argv[3]) : 12;
  fs::create_directories(directory);
  std::ofstream(directory / "model.textproto") << kModel;
  const auto spec = Check(ModelSpec::Parse(kModel, "model.textproto"));
  PrintMachine();
  std::printf("%s\n", DescribeBackend().c_str());
  LearnerOptions options;
  std::unique_ptr<Learner> learner = Check(CreateLearner(spec, options));
  MakeRows(*learner, 0, items);
  std::printf("%lld rows of dimension 16: tables %.0f MB, resident %.0f MB\n", static_cast<long long>(items),
              static_cast<double>(learner->table_bytes()) / 1e6, MemoryMb("VmRSS"));
  std::fflush(stdout);

  Rows rows(items);
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  Print("full", WriteBeside(*learner, directory / "full", CheckpointKind::kFull, wait));
  for (int i = 0; i < 1'000; ++i) LearnRows(*learner, rows.Next(kStepRows));
  Print("incremental", WriteBeside(*learner, directory / "increment", CheckpointKind::kIncremental, wait));
  ComparePredict(*learner, spec, directory, items, pairs);
  learner.reset();

  const Stopwatch load;
  Check(LoadLearner(spec, options, directory / "increment").status());
  std::printf("loaded and verified in %.2f s\n", load.seconds());
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
