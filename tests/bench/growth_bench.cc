// What a step costs while an embedding table grows, and what memory a row of the table takes.
//
//   growth_bench [MILLION_ROWS] [SECONDS]
//
// Steps of 256 rows whose 20 ids are drawn evenly from a table of dimension 16, measured at 100,000 rows, a million,
// ten million and so on up to MILLION_ROWS (50), SECONDS (5) at each. Printed are the steps' median and p90, what the
// median is of the smallest table's, and the table's memory: rows, optimizer state, index, owners and page table, a
// row.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/learning/learner.h"
#include "tests/bench/learner_rows.h"

namespace polyscene {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kFeatures = 20;
constexpr int kDimension = 16;
constexpr int64_t kStepRows = 256;

std::string ModelText() {
  std::string text = R"(name: "growth bench"
features { name: "history" side: CONTEXT type: INT64 sequence { max_length: 10000 }
           encode { hash { embedding { dimension: 16 table: "item" } } } }
scenes { name: "shop" tasks: ["click"] }
tasks { name: "click" binary {} }
network { shared_bottom { hidden: [128, 64] } }
)";
  for (int i = 0; i < kFeatures; ++i) {
    absl::StrAppend(&text, "features { name: \"item", i,
                    "\" side: CONTEXT type: INT64 encode { hash { embedding { dimension: ", kDimension,
                    " table: \"item\" } } } }\n");
  }
  return text;
}

// Milliseconds of each step.
std::vector<double> Measure(Learner& learner, int64_t table_rows, double seconds) {
  std::mt19937_64 random(static_cast<uint64_t>(table_rows));
  std::vector<double> millis;
  for (const auto start = SteadyClock::now(); SteadyClock::now() - start < std::chrono::duration<double>(seconds);) {
    Table table;
    table.rows = kStepRows;
    for (int i = 0; i < kFeatures; ++i) {
      std::vector<int64_t>& ids = table.Add(absl::StrCat("item", i), ValueType::kInt64).ints;
      for (int64_t row = 0; row < kStepRows; ++row) {
        ids.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(table_rows)));
      }
    }
    const auto begin = SteadyClock::now();
    LearnRows(learner, table);
    millis.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  }
  std::sort(millis.begin(), millis.end());
  return millis;
}

int Run(int argc, char** argv) {
  const int64_t most = (argc > 1 ? std::atoll(argv[1]) : 50) * 1'000'000;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
  std::vector<int64_t> sizes;
  for (int64_t size = 100'000; size < most; size *= 10) sizes.push_back(size);
  sizes.push_back(most);
  const auto spec = Check(ModelSpec::Parse(ModelText(), "growth bench"));
  const std::unique_ptr<Learner> learner = Check(CreateLearner(spec, LearnerOptions()));
  std::printf("steps of %lld rows x %d ids, dimension %d\n", static_cast<long long>(kStepRows), kFeatures, kDimension);
  const double needed = (kDimension + 1) * sizeof(float);  // A row's values and Adagrad's state.
  int64_t made = 0;
  double smallest = 0;
  for (const int64_t size : sizes) {
    MakeRows(*learner, made, size);
    made = size;
    Measure(*learner, size, 1);  // Pages are first written, caches settle.
    const std::vector<double> millis = Measure(*learner, size, seconds);
    const double median = millis[millis.size() / 2];
    if (smallest == 0) smallest = median;
    const double bytes = static_cast<double>(learner->table_bytes()) / static_cast<double>(size);
    std::printf(
        "%10lld rows: step p50 %.2f ms, p90 %.2f ms, %.2f of the smallest table's; %.1f bytes a row, %.2f of values "
        "and state\n",
        static_cast<long long>(size), median, millis[millis.size() * 9 / 10], median / smallest, bytes, bytes / needed);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
