// What a publish costs, and whether ten thousand of them leave anything behind.
//
//   swap_bench [SWAPS [MILLION_ROWS MORE_MILLION_ROWS]]        10,000; 10 and 50
//
// A publish is a snapshot made of the learner and put into the store that requests read, and the end of the one
// before; 10,000 rows of the table were learned from since. Then swaps follow each other, each after a step that
// touches 1,000 rows, while another thread scores requests of 100 candidates on whatever is served.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_format.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "server/snapshot/snapshot_store.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/caller.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr char kModel[] = R"(name: "swap bench"
features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 16 } } } }
features { name: "history" side: CONTEXT type: INT64 sequence { max_length: 10000 }
           encode { hash { embedding { dimension: 16 table: "item" } } } }
features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 16 table: "item" } } } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
scenes { name: "shop" tasks: ["click"] rank_by { factors { task: "click" } } }
tasks { name: "click" binary {} }
network { mmoe { experts: 4 hidden: [256, 128] } tower: [64] }
)";

constexpr int64_t kTouched = 10'000;
constexpr int64_t kTouchedBySwap = 1'000;
constexpr int64_t kCandidates = 100;
constexpr int kPairs = 12;
constexpr int kTenths = 10;
constexpr int kWindows = 10;  // Of a tenth.

// One row whose history is that many random ids of the table.
Table HistoryRow(std::mt19937_64& random, int64_t ids, int64_t items) {
  Table table;
  table.rows = 1;
  Column& history = table.Add("history", ValueType::kInt64);
  for (int64_t i = 0; i < ids; ++i) history.ints.push_back(static_cast<int64_t>(random() % items));
  history.lengths.push_back(static_cast<uint32_t>(ids));
  return table;
}

// A learner with a table of so many rows, and what is served of it.
class Published {
 public:
  Published(const std::shared_ptr<const ModelSpec>& spec, int64_t items)
      : items_(items), learner_(Check(CreateLearner(spec, LearnerOptions()))) {
    MakeRows(*learner_, 0, items);
    Publish();
  }

  void Learn(int64_t ids) { LearnRows(*learner_, HistoryRow(random_, ids, items_)); }

  // Its seconds.
  double Publish() {
    const Stopwatch watch;
    Check(store_.Publish(Check(learner_->MakeSnapshot(++version_, 0))));
    return watch.seconds();
  }

  const SnapshotStore& store() const { return store_; }
  int64_t items() const { return items_; }

 private:
  const int64_t items_;
  std::mt19937_64 random_{3};
  const std::unique_ptr<Learner> learner_;
  SnapshotStore store_;
  uint64_t version_ = 0;
};

void ComparePublishes(Published& table, Published& larger) {
  std::vector<double> of_table, of_larger;
  for (int pair = -1; pair < kPairs; ++pair) {
    table.Learn(kTouched);
    const double first = 1e3 * table.Publish();
    larger.Learn(kTouched);
    const double second = 1e3 * larger.Publish();
    if (pair < 0) continue;
    of_table.push_back(first);
    of_larger.push_back(second);
  }
  const auto millions = [](const Published& of) { return static_cast<int>(of.items() / 1'000'000); };
  PrintFigure(absl::StrFormat("publish, table of %d million rows, 10,000 touched", millions(table)),
              IntervalOf(of_table), AtMost(20, " ms"));
  PrintFigure(absl::StrFormat("publish, %d million rows against %d million", millions(larger), millions(table)),
              IntervalOf(Ratios(of_larger, of_table)), AtMost(1.5, "x"), absl::StrFormat("%.2f ms", Median(of_larger)));
}

Caller::Tables Request(std::mt19937_64& random, int64_t items) {
  Caller::Tables tables;
  tables.candidates.rows = kCandidates;
  Column& ids = tables.candidates.Add("item", ValueType::kInt64);
  for (int64_t i = 0; i < kCandidates; ++i) ids.ints.push_back(static_cast<int64_t>(random() % items));
  tables.candidates.Add("price", ValueType::kFloat).floats.assign(kCandidates, 1.0f);
  tables.context = HistoryRow(random, 20, items);
  return tables;
}

void SwapUnderLoad(const std::shared_ptr<const ModelSpec>& spec, Published& published, int swaps) {
  std::mt19937_64 random(5);
  Caller caller(
      spec, [&published] { return published.store().Current(); },
      [&random, items = published.items()] { return Request(random, items); });
  std::vector<double> resident_mb, p99;  // Of each window; kWindows a tenth.
  const int swaps_a_window = std::max(1, swaps / (kTenths * kWindows));
  const Stopwatch watch;
  for (int window = 0; window < kTenths * kWindows; ++window) {
    caller.Take();
    double megabytes = 0;
    for (int swap = 0; swap < swaps_a_window; ++swap) {
      published.Learn(kTouchedBySwap);
      published.Publish();
      megabytes += MemoryMb("VmRSS") / swaps_a_window;
    }
    resident_mb.push_back(megabytes);
    const std::vector<double> milliseconds = caller.Take();
    if (milliseconds.empty()) Check(absl::InvalidArgumentError("too few swaps for a request to end in each hundredth"));
    p99.push_back(Percentile(milliseconds, 0.99));
  }
  const auto tenth = [](const std::vector<double>& windows, int number) {
    return std::vector<double>(windows.begin() + number * kWindows, windows.begin() + (number + 1) * kWindows);
  };
  const int count = swaps_a_window * kTenths * kWindows;
  const auto last_over_second = [&](const std::vector<double>& windows) {
    return IntervalOf(Ratios(tenth(windows, kTenths - 1), tenth(windows, 1)));
  };
  PrintFigure(absl::StrFormat("resident memory over %d swaps under load, last tenth over second", count),
              last_over_second(resident_mb), AtMost(1.02, "x"),
              absl::StrFormat("%.0f MB; %.0f swaps/s", Median(tenth(resident_mb, kTenths - 1)),
                              static_cast<double>(count) / watch.seconds()));
  PrintFigure(absl::StrFormat("p99 of 100 candidates over %d swaps, last tenth over second", count),
              last_over_second(p99), AtMost(1.05, "x"), absl::StrFormat("%.2f ms", Median(tenth(p99, kTenths - 1))));
}

int Run(int argc, char** argv) {
  const int swaps = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int64_t million = 1'000'000;
  const int64_t rows = (argc > 3 ? std::atoll(argv[2]) : 10) * million;
  const int64_t more_rows = (argc > 3 ? std::atoll(argv[3]) : 50) * million;
  PrintMachine();
  std::printf("%s\n", DescribeBackend().c_str());
  const auto spec = Check(ModelSpec::Parse(kModel, "swap bench"));
  Published table(spec, rows);
  {
    Published larger(spec, more_rows);
    ComparePublishes(table, larger);
  }
  SwapUnderLoad(spec, table, swaps);
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
