// How fast the event log acknowledges batches of 100 rows, beside what the disk's own fdatasync costs in the same run.
//
//   eventlog_bench DIRECTORY [BATCHES]      DIRECTORY: an empty one on the disk to measure; default of BATCHES: 5000
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/eventlog/event_log.h"
#include "server/eventlog/log_store.h"
#include "server/metrics/resident_memory.h"
#include "server/sync/mutex.h"

namespace polyscene {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kRows = 100;

double Millis(SteadyClock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// Like the reference model's: 20 ids and 10 numbers a row, 3 labels.
v1::LogRecord Record(uint64_t sequence) {
  std::mt19937_64 random(sequence);
  v1::LogRecord record;
  record.set_producer_id("bench");
  v1::EventBatch& batch = *record.mutable_events();
  batch.set_sequence(sequence);
  batch.set_scene("recommendation");
  batch.set_rows(kRows);
  for (int c = 0; c < 20; ++c) {
    v1::Column& column = *batch.add_columns();
    column.set_name(absl::StrCat("category_", c));
    for (int row = 0; row < kRows; ++row) column.add_ints(static_cast<int64_t>(random() % 100'000));
  }
  std::uniform_real_distribution<float> uniform;
  for (int c = 0; c < 10; ++c) {
    v1::Column& column = *batch.add_columns();
    column.set_name(absl::StrCat("number_", c));
    for (int row = 0; row < kRows; ++row) column.add_floats(uniform(random));
  }
  for (const char* task : {"click", "purchase", "spend"}) {
    v1::Labels& labels = *batch.add_labels();
    labels.set_task(task);
    for (int row = 0; row < kRows; ++row) labels.add_values(static_cast<float>(random() % 2));
  }
  return record;
}

void Print(const char* name, std::vector<double> millis) {
  std::sort(millis.begin(), millis.end());
  const auto at = [&millis](double share) { return millis[static_cast<size_t>(share * (millis.size() - 1))]; };
  std::printf("%-36s p50 %7.3f ms   p99 %7.3f ms   max %7.3f ms\n", name, at(0.5), at(0.99), millis.back());
}

// A plain file: append as many bytes as a record has, fdatasync.
std::vector<double> Fdatasync(const std::filesystem::path& path, size_t bytes, int times) {
  std::vector<double> millis;
  const std::string data(bytes, 'x');
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  for (int i = 0; i < times; ++i) {
    const SteadyClock::time_point start = SteadyClock::now();
    if (file < 0 || ::write(file, data.data(), data.size()) < 0 || ::fdatasync(file) != 0) {
      std::perror(path.c_str());
      std::exit(1);
    }
    millis.push_back(Millis(SteadyClock::now() - start));
  }
  ::close(file);
  std::filesystem::remove(path);
  return millis;
}

// Appends `batches` with at most `window` unanswered.
class Appender {
 public:
  explicit Appender(EventLog& log) : log_(log) {}

  void Run(int batches, int window) {
    std::vector<v1::LogRecord> records;
    for (int i = 0; i < batches; ++i) records.push_back(Record(++sequence_));
    const SteadyClock::time_point start = SteadyClock::now();
    millis_.clear();
    for (v1::LogRecord& record : records) {
      {
        MutexLock lock(&mu_);
        while (in_flight_ == window) answered_.Wait(&mu_);
        ++in_flight_;
      }
      log_.Append(std::move(record), [this, sent = SteadyClock::now()](absl::StatusOr<Appended> appended) {
        Answer(appended.status(), SteadyClock::now() - sent);
      });
    }
    MutexLock lock(&mu_);
    while (in_flight_ > 0) answered_.Wait(&mu_);
    const double seconds = Millis(SteadyClock::now() - start) / 1000;
    std::printf("\n%d in flight: %.0f appends/s, %.0f rows/s\n", window, batches / seconds, batches * kRows / seconds);
    Print("acknowledgement", millis_);
  }

 private:
  void Answer(const absl::Status& status, SteadyClock::duration took) {
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      std::exit(1);
    }
    MutexLock lock(&mu_);
    millis_.push_back(Millis(took));
    --in_flight_;
    answered_.Signal();
  }

  EventLog& log_;
  uint64_t sequence_ = 0;

  Mutex mu_;
  CondVar answered_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<double> millis_ ABSL_GUARDED_BY(mu_);
};

int Run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: eventlog_bench DIRECTORY [BATCHES]\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  const int batches = argc > 2 ? std::atoi(argv[2]) : 5000;
  EventLogOptions options;
  options.directory = directory / "log";
  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  if (!log.ok()) {
    std::fprintf(stderr, "%s\n", log.status().ToString().c_str());
    return 1;
  }
  const size_t bytes = Record(1).ByteSizeLong();
  std::printf("records of %d rows, %zu bytes\n", kRows, bytes);
  Appender appender(**log);
  for (const int window : {1, 16, 64}) {
    appender.Run(batches, window);
    Print("write + fdatasync of a plain file", Fdatasync(directory / "plain", bytes, 500));
  }

  std::unique_ptr<EventLog::Cursor> cursor = *(*log)->Read(0);
  const SteadyClock::time_point start = SteadyClock::now();
  uint64_t rows = 0;
  for (auto entry = cursor->Next(); entry.ok() && entry->has_value(); entry = cursor->Next()) rows += (*entry)->count;
  std::printf("\nread back: %.0f rows/s\n", rows / (Millis(SteadyClock::now() - start) / 1000));
  log->reset();
  absl::StatusOr<std::unique_ptr<LogStore>> store = LogStore::Open(options.directory, nullptr);
  if (!store.ok() || !(*store)->Flush().ok()) return 1;
  const uint64_t disk = (*store)->DiskBytes();
  std::printf("tables on disk: %.2f of the records' bytes; resident memory %.0f MB\n",
              static_cast<double>(disk) / (3.0 * batches * bytes), ResidentMemoryBytes() / 1e6);
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
