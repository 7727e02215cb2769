// Checkpoints of a large table: time, bytes and memory of a full and of an incremental one and of loading, and what a
// checkpoint that is being written does to Predict while the trainer learns on.
//
//   checkpoint_bench DIRECTORY [MILLION_ROWS]
//
// Leaves DIRECTORY/model.textproto and DIRECTORY/full, from which a server can be warm-started.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
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
#include <vector>

#include "model/learning/learner.h"
#include "model/serving/predictor.h"

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

constexpr int64_t kIdsOfARow = 10'000;
constexpr int64_t kStepRows = 256;
constexpr int64_t kCandidates = 100;
constexpr int kNice = 10;  // As the server's trainer.

double Seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

class Stopwatch {
 public:
  double seconds() const { return Seconds(std::chrono::steady_clock::now() - start_); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "checkpoint_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

void Check(const absl::Status& status) {
  if (!status.ok()) Die(status);
}

template <typename T>
T Check(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status());
  return *std::move(value);
}

void BeNice() { setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice); }

// Megabytes of /proc/self/status.
double MemoryMb(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::strtod(line.c_str() + name.size() + 1, nullptr) / 1024;
  }
  return 0;
}

void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

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

void LearnRows(Learner& learner, const Table& table) {
  ExamplesView view;
  view.scene = "shop";
  view.features = table.View();
  std::vector<float> labels;
  for (int64_t i = 0; i < table.rows; ++i) labels.push_back(static_cast<float>(i % 2));
  view.labels.push_back({"click", labels, {}});
  const ExampleSlice slice{&view, 0, table.rows, ""};
  Check(learner.Step(absl::MakeConstSpan(&slice, 1)).status());
}

// Gives every item its row: a step of a few rows with long histories makes many.
void MakeRows(Learner& learner, int64_t items) {
  for (int64_t next = 0; next < items;) {
    Table table;
    Column& history = table.Add("history", ValueType::kInt64);
    for (table.rows = 0; table.rows < 64 && next < items; ++table.rows) {
      const int64_t length = std::min(kIdsOfARow, items - next);
      for (int64_t i = 0; i < length; ++i) history.ints.push_back(next++);
      history.lengths.push_back(static_cast<uint32_t>(length));
    }
    LearnRows(learner, table);
  }
}

// Writes beside whoever calls, as the server does; tells how long the caller was held up and how long it took.
void WriteBeside(Learner& learner, const fs::path& path, CheckpointKind kind, const std::function<void()>& meanwhile,
                 const char* what) {
  ResetPeak();
  const double before = MemoryMb("VmRSS");
  const Stopwatch begin;
  std::unique_ptr<CheckpointJob> job = Check(learner.BeginCheckpoint(0, kind));
  const double held_up = begin.seconds();
  std::atomic<bool> done{false};
  absl::Status status;
  double took = 0;
  std::thread writer([&] {
    BeNice();
    const Stopwatch write;
    status = job->Write(path);
    took = write.seconds();
    done = true;
  });
  while (!done) meanwhile();
  writer.join();
  Check(status);
  std::printf("%s checkpoint: trainer held up %.1f ms, written in %.2f s, %.1f MB new, peak memory +%.0f MB\n", what,
              1e3 * held_up, took, static_cast<double>(job->bytes_written()) / 1e6, MemoryMb("VmHWM") - before);
  learner.EndCheckpoint(std::move(job));
}

// Scores requests one after the other until told to stop.
class Caller {
 public:
  Caller(const std::shared_ptr<const ModelSpec>& spec, std::shared_ptr<const Snapshot> snapshot, int64_t items)
      : predictor_(Check(CreatePredictor(spec, HashKey(), "cpu"))), snapshot_(std::move(snapshot)), rows_(items) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Caller() { Wait(); }
  double Percentile(double share) {
    std::vector<double>& ms = milliseconds_;
    const size_t at = std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())));
    std::nth_element(ms.begin(), ms.begin() + static_cast<int64_t>(at), ms.end());
    return ms[at];
  }
  void Wait() {  // Ends it; what it measured stays.
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  size_t requests() const { return milliseconds_.size(); }

 private:
  void Run() {
    const int click = 0;
    while (!stopping_) {
      const Table candidates = rows_.Next(kCandidates);
      Table context;
      context.rows = 1;
      context.Add("user", ValueType::kInt64).ints = {17};
      const TableView context_view = context.View();
      const TableView candidates_view = candidates.View();
      ScoreRequest request;
      request.scene = 0;
      request.context = &context_view;
      request.candidates = &candidates_view;
      request.tasks = absl::MakeConstSpan(&click, 1);
      const Stopwatch watch;
      Check(predictor_->Score(*snapshot_, absl::MakeConstSpan(&request, 1)).status());
      milliseconds_.push_back(1e3 * watch.seconds());
    }
  }

  const std::unique_ptr<Predictor> predictor_;
  const std::shared_ptr<const Snapshot> snapshot_;
  Rows rows_;
  std::vector<double> milliseconds_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void Report(Caller& caller, const char* what) {
  caller.Wait();
  std::printf("Predict of %lld candidates, %s: %zu requests, p50 %.2f ms, p99 %.2f ms\n",
              static_cast<long long>(kCandidates), what, caller.requests(), caller.Percentile(0.5),
              caller.Percentile(0.99));
}

int Run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: checkpoint_bench DIRECTORY [MILLION_ROWS]\n");
    return 2;
  }
  const fs::path directory = argv[1];
  const int64_t items = (argc > 2 ? std::atoll(argv[2]) : 10) * 1'000'000;
  fs::create_directories(directory);
  std::ofstream(directory / "model.textproto") << kModel;
  const auto spec = Check(ModelSpec::Parse(kModel, "model.textproto"));
  std::printf("%s, %u processors\n%s\n", Processor().c_str(), std::thread::hardware_concurrency(),
              DescribeBackend().c_str());
  LearnerOptions options;
  std::unique_ptr<Learner> learner = Check(CreateLearner(spec, options));
  MakeRows(*learner, items);
  std::printf("%lld rows of dimension 16: tables %.0f MB, resident %.0f MB\n", static_cast<long long>(items),
              static_cast<double>(learner->table_bytes()) / 1e6, MemoryMb("VmRSS"));
  std::fflush(stdout);

  Rows rows(items);
  const auto learn = [&] { LearnRows(*learner, rows.Next(kStepRows)); };
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  WriteBeside(*learner, directory / "full", CheckpointKind::kFull, wait, "full");
  for (int i = 0; i < 1'000; ++i) learn();
  WriteBeside(*learner, directory / "increment", CheckpointKind::kIncremental, wait, "incremental");

  const auto snapshot = Check(learner->MakeSnapshot(1, 0));
  // The trainer's thread is nice and the caller's is not, as in the server.
  const auto as_trainer = [](const std::function<void()>& work) {
    std::thread([&work] {
      BeNice();
      work();
    }).join();
  };
  for (int round = 0; round < 2; ++round) {
    {
      Caller caller(spec, snapshot, items);
      as_trainer([&] {
        for (const Stopwatch watch; watch.seconds() < 10;) learn();
      });
      Report(caller, "trainer learning, no checkpoint");
    }
    Caller caller(spec, snapshot, items);
    as_trainer([&] {
      const Stopwatch watch;
      for (int i = 0; watch.seconds() < 10; ++i) {
        WriteBeside(*learner, directory / ("again" + std::to_string(round) + "_" + std::to_string(i)),
                    i % 2 == 0 ? CheckpointKind::kFull : CheckpointKind::kIncremental, learn, "  meanwhile:");
      }
    });
    Report(caller, "trainer learning, checkpoints being written");
  }
  learner.reset();

  const Stopwatch load;
  Check(LoadLearner(spec, options, directory / "increment").status());
  std::printf("loaded and verified in %.2f s\n", load.seconds());
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().rfind("again", 0) == 0) fs::remove_all(entry.path());
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
