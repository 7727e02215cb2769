// What the joiner takes of memory and disk for what it remembers, how many labels it joins a second, and what
// remembering costs whoever asks for it.
//
//   joiner_bench DIRECTORY [REQUESTS...]    DIRECTORY: an empty one on the disk to measure; default: 10000 100000
//
// Requests have 100 candidates and the reference model's shape: 5 ids and 3 numbers of the context, 15 ids and 7
// numbers a candidate, 3 scores. Ids are random among 100,000, numbers uniform.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/model_spec.h"
#include "server/eventlog/event_log.h"
#include "server/joiner/joiner.h"
#include "server/joiner/request_memory.h"
#include "server/metrics/metrics.h"
#include "server/metrics/resident_memory.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"

namespace polyscene {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kCandidates = 100;
constexpr int kContextIds = 5, kContextNumbers = 3, kCandidateIds = 15, kCandidateNumbers = 7;
// What the values themselves take: 8 bytes an id, 4 a number.
constexpr double kFeatureBytes =
    kCandidates * (8 * kCandidateIds + 4 * kCandidateNumbers) + 8 * kContextIds + 4 * kContextNumbers;
constexpr int kLabelRows = 1000;  // A batch, each row of another request: the joiner's worst case.

double Seconds(SteadyClock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::shared_ptr<const ModelSpec> Model() {
  std::string text = "name: 'bench' network { shared_bottom { hidden: 4 } } learning { step_rows: 4 }\n";
  std::string scene = "scenes { name: 'recommendation' tasks: 'click' tasks: 'purchase' tasks: 'spend'";
  const auto add = [&](const std::string& name, bool candidate, bool id) {
    absl::StrAppend(
        &text, "features { name: '", name, "' side: ", candidate ? "CANDIDATE" : "CONTEXT",
        " type: ", id ? "INT64 encode { hash { embedding { dimension: 4 } } }" : "FLOAT encode { numeric {} }", " }\n");
    absl::StrAppend(&scene, " features: '", name, "'");
  };
  for (int i = 0; i < kContextIds; ++i) add(absl::StrCat("user_", i), false, true);
  for (int i = 0; i < kContextNumbers; ++i) add(absl::StrCat("state_", i), false, false);
  for (int i = 0; i < kCandidateIds; ++i) add(absl::StrCat("category_", i), true, true);
  for (int i = 0; i < kCandidateNumbers; ++i) add(absl::StrCat("number_", i), true, false);
  absl::StrAppend(&text, scene, " }\ntasks { name: 'click' binary {} } tasks { name: 'purchase' binary {} }",
                  " tasks { name: 'spend' regression {} }");
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(text, "bench.textproto");
  if (!spec.ok()) std::fprintf(stderr, "%s\n", spec.status().ToString().c_str());
  return *std::move(spec);
}

void Fill(std::mt19937_64& random, const std::string& name, int ids, int numbers, const std::string& number_name,
          int rows, google::protobuf::RepeatedPtrField<v1::Column>* columns) {
  std::uniform_real_distribution<float> uniform;
  for (int c = 0; c < ids; ++c) {
    v1::Column& column = *columns->Add();
    column.set_name(absl::StrCat(name, "_", c));
    for (int row = 0; row < rows; ++row) column.add_ints(static_cast<int64_t>(random() % 100'000));
  }
  for (int c = 0; c < numbers; ++c) {
    v1::Column& column = *columns->Add();
    column.set_name(absl::StrCat(number_name, "_", c));
    for (int row = 0; row < rows; ++row) column.add_floats(uniform(random));
  }
}

v1::RememberedRequest Request(uint64_t number) {
  std::mt19937_64 random(number);
  v1::RememberedRequest request;
  request.set_scene("recommendation");
  request.set_rows(kCandidates);
  Fill(random, "user", kContextIds, kContextNumbers, "state", 1, request.mutable_context());
  Fill(random, "category", kCandidateIds, kCandidateNumbers, "number", kCandidates, request.mutable_candidates());
  std::uniform_real_distribution<float> uniform;
  for (const char* task : {"click", "purchase", "spend"}) {
    v1::ServedScores& served = *request.add_served();
    served.set_task(task);
    for (int row = 0; row < kCandidates; ++row) served.add_values(uniform(random));
  }
  return request;
}

std::string IdOf(uint64_t number) { return absl::StrCat("request/", number); }

// Waits until what was handed over is done; any failure ends the program.
class Waiter {
 public:
  std::function<void(absl::StatusOr<Appended>)> One() {
    MutexLock lock(&mu_);
    while (in_flight_ == 64) done_.Wait(&mu_);
    ++in_flight_;
    return [this](absl::StatusOr<Appended> appended) {
      if (!appended.ok() || !appended->refused.empty()) {
        std::fprintf(stderr, "%s\n",
                     appended.ok() ? appended->refused[0].message.c_str() : appended.status().ToString().c_str());
        std::exit(1);
      }
      MutexLock lock(&mu_);
      --in_flight_;
      done_.Signal();
    };
  }
  void All() {
    MutexLock lock(&mu_);
    while (in_flight_ > 0) done_.Wait(&mu_);
  }

 private:
  Mutex mu_;
  CondVar done_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

void PrintPercentiles(const char* name, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) { return 1e6 * seconds[static_cast<size_t>(share * (seconds.size() - 1))]; };
  std::printf("  %-52s p50 %6.0f us   p99 %6.0f us\n", name, at(0.5), at(0.99));
}

uint64_t BytesUnder(const std::filesystem::path& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

// Remembers `requests` requests, with `per_second` of them a second at most; 0: as fast as it goes.
void RememberAll(RequestMemory& memory, uint64_t first, uint64_t requests, std::vector<double>* seconds) {
  for (uint64_t number = first; number < first + requests; ++number) {
    v1::RememberedRequest request = Request(number);
    for (bool remembered = false; !remembered;) {
      v1::RememberedRequest copy = request;
      const SteadyClock::time_point start = SteadyClock::now();
      memory.Remember(IdOf(number), 0, std::move(copy), /*wait=*/false, [&remembered](bool ok) { remembered = ok; });
      if (remembered) seconds->push_back(Seconds(SteadyClock::now() - start));
      if (!remembered) memory.Drain();  // The disk is slower than this loop: what is queued must go first.
    }
  }
  memory.Drain();
}

void LabelAll(EventLog& log, uint64_t requests, uint64_t* sequence, int rounds) {
  Waiter waiter;
  std::mt19937_64 random(7);
  const SteadyClock::time_point start = SteadyClock::now();
  uint64_t rows = 0;
  for (int round = 0; round < rounds; ++round) {
    v1::LabelBatch batch;
    batch.set_sequence(++*sequence);
    v1::Labels& labels = *batch.add_labels();
    labels.set_task(round % 2 == 0 ? "click" : "purchase");
    for (int i = 0; i < kLabelRows; ++i, ++rows) {
      batch.add_request_ids(IdOf(random() % requests));
      batch.add_request(static_cast<uint32_t>(i));
      batch.add_row(static_cast<uint32_t>(random() % kCandidates));
      labels.add_values(static_cast<float>(random() % 2));
    }
    JoinInput input;
    input.producer_id = "bench";
    input.what = std::move(batch);
    log.Join(std::move(input), waiter.One());
  }
  waiter.All();
  std::printf("  labels, each of another request: %.0f rows/s\n", rows / Seconds(SteadyClock::now() - start));
}

void LabelWholeRequests(EventLog& log, uint64_t requests, uint64_t* sequence, int rounds) {
  Waiter waiter;
  const SteadyClock::time_point start = SteadyClock::now();
  uint64_t rows = 0;
  for (int round = 0; round < rounds; ++round) {
    v1::LabelBatch batch;
    batch.set_sequence(++*sequence);
    v1::Labels& labels = *batch.add_labels();
    labels.set_task("spend");
    for (int r = 0; r < kLabelRows / kCandidates; ++r) {
      batch.add_request_ids(IdOf((static_cast<uint64_t>(round) * 10 + static_cast<uint64_t>(r)) % requests));
      for (uint32_t row = 0; row < kCandidates; ++row, ++rows) {
        batch.add_request(static_cast<uint32_t>(r));
        batch.add_row(row);
        labels.add_values(1.5f);
      }
    }
    JoinInput input;
    input.producer_id = "bench";
    input.what = std::move(batch);
    log.Join(std::move(input), waiter.One());
  }
  waiter.All();
  std::printf("  labels of every row of a request: %.0f rows/s\n", rows / Seconds(SteadyClock::now() - start));
}

void Measure(const std::filesystem::path& directory, uint64_t requests) {
  const std::shared_ptr<const ModelSpec> spec = Model();
  Metrics metrics(spec);
  const SystemClock clock;
  const double before = ResidentMemoryBytes() / 1e6;
  Joiner joiner({spec}, metrics, clock);
  EventLogOptions options;
  options.directory = directory;
  options.joiner = &joiner;
  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  if (!log.ok()) {
    std::fprintf(stderr, "%s\n", log.status().ToString().c_str());
    std::exit(1);
  }
  double peak = 0;
  const auto note = [&peak, before] { peak = std::max(peak, ResidentMemoryBytes() / 1e6 - before); };
  {
    RequestMemory memory(**log, joiner, metrics);
    std::vector<double> seconds;
    const SteadyClock::time_point start = SteadyClock::now();
    for (uint64_t first = 0; first < requests; first += 1000) {
      RememberAll(memory, first, std::min<uint64_t>(1000, requests - first), &seconds);
      note();
    }
    std::printf("%llu requests of %d candidates: %.0f requests/s\n", static_cast<unsigned long long>(requests),
                kCandidates, requests / Seconds(SteadyClock::now() - start));
    PrintPercentiles("cost to the caller of one that does not wait", std::move(seconds));
  }
  const uint64_t disk = BytesUnder(directory);
  uint64_t sequence = 0;
  LabelAll(**log, requests, &sequence, 100);
  note();
  LabelWholeRequests(**log, requests, &sequence, 100);
  note();
  const double candidates = static_cast<double>(requests) * kCandidates;
  std::printf("  memory grown by at most %.0f MB\n", peak);
  std::printf("  disk %.1f bytes a candidate, the features' own %.1f (%.2f of it); stored before compression %.1f\n",
              disk / candidates, kFeatureBytes / kCandidates, disk / (requests * kFeatureBytes),
              joiner.remembered_bytes() / candidates);
}

std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

int Run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: joiner_bench DIRECTORY [REQUESTS...]\n");
    return 2;
  }
  std::printf("%s\n", Processor().c_str());
  std::vector<uint64_t> counts;
  for (int i = 2; i < argc; ++i) counts.push_back(std::strtoull(argv[i], nullptr, 10));
  if (counts.empty()) counts = {10'000, 100'000};
  for (const uint64_t requests : counts) {
    if (requests == 0) return 2;
    Measure(std::filesystem::path(argv[1]) / absl::StrCat("log", requests), requests);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
