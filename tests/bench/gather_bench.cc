// Gathering embedding rows of 16 numbers at random, as a request does, against a plain loop over a flat array as large
// that asks for each row's memory beforehand and copies it out: what the machine's memory gives. How far beforehand
// is measured, too; the best counts.
//
//   gather_bench [MILLION_ROWS [SECONDS]]        50; of a window, 0.2
//
// From 100,000 rows on, ten times as many each time; each of many gathers is met again when the caches have forgotten
// it, its ids with it. By row number: through the page table, as rows are gathered for LibTorch. By id: as the compiled
// forward does it, the index before that and the rows' owners beside it, which are two more places in memory.
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/compiled/input_layout.h"
#include "model/compiled/input_rows.h"
#include "model/embedding/embedding_tables.h"
#include "model/embedding/reserved_memory.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/alternate.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int64_t kDimension = 16;
constexpr int64_t kRowBytes = kDimension * sizeof(float);
constexpr int kFeatures = 20;
constexpr int kCandidates = 400;
constexpr int64_t kGathered = kFeatures * kCandidates;  // At once; the second cache holds them.
constexpr int kChunk = 100;                             // Candidates that the forward takes at a time.
constexpr int64_t kGathers = 512;  // Different ones: their four million rows are far more than the third cache holds.
constexpr int64_t kAddedAtOnce = 500'000;
constexpr std::array<int, 4> kAheads = {16, 32, 64, 96};  // Rows that a plain loop asks for before it needs them.

// Features that share one table.
std::shared_ptr<const ModelSpec> Spec() {
  std::string text =
      "name: \"gather bench\" scenes { name: \"shop\" tasks: [\"click\"] }\n"
      "tasks { name: \"click\" binary {} } network { shared_bottom { hidden: [8] } }\n";
  for (int i = 0; i < kFeatures; ++i) {
    absl::StrAppend(&text, "features { name: \"item_", i, "\" side: CANDIDATE type: INT64 encode { hash { embedding { ",
                    "dimension: ", kDimension, " table: \"item\" } } } }\n");
  }
  return Check(ModelSpec::Parse(text, "gather bench"));
}

// A table whose row r is of id r.
class Rows {
 public:
  void GrowTo(int64_t count) {
    tables_.ReserveRows(0, count);
    const std::vector<float> values(kAddedAtOnce * kDimension, 0.25f);
    const std::vector<float> states(kAddedAtOnce * tables_.store(0).state_width());
    const std::vector<uint32_t> tables(kAddedAtOnce, 0);
    std::vector<uint32_t> rows;
    std::vector<uint64_t> ids;
    for (int64_t next = tables_.store(0).row_count(); next < count; next += static_cast<int64_t>(rows.size())) {
      const int64_t added = std::min(kAddedAtOnce, count - next);
      rows.resize(added);
      ids.resize(added);
      std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(next));
      std::iota(ids.begin(), ids.end(), static_cast<uint64_t>(next));
      Check(tables_.Restore(0, rows, absl::MakeConstSpan(tables).first(added), ids,
                            absl::MakeConstSpan(values).first(added * kDimension),
                            absl::MakeConstSpan(states).first(added * tables_.store(0).state_width())));
    }
    frozen_ = tables_.Freeze();
  }
  const std::shared_ptr<const ModelSpec>& spec() const { return spec_; }
  const FrozenTables& frozen() const { return *frozen_; }

 private:
  const std::shared_ptr<const ModelSpec> spec_ = Spec();
  EmbeddingTables tables_{spec_, torch::kCPU};
  std::shared_ptr<const FrozenTables> frozen_;
};

void PlainGather(const float* table, const std::vector<uint32_t>& rows, int ahead, float* to) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + ahead < rows.size()) __builtin_prefetch(table + rows[i + ahead] * kDimension);
    std::memcpy(to + i * kDimension, table + rows[i] * kDimension, kRowBytes);
  }
}

// As the compiled forward does.
class IdGather {
 public:
  explicit IdGather(const Rows& rows)
      : rows_(rows), layout_(LayOutInputs(*rows.spec(), 0, /*candidates=*/true)), inputs_(*rows.spec()) {}

  void Gather(const EncodedBatch& batch, float* to) {
    inputs_.Begin(batch);
    const RowsView view{to, kFeatures * kDimension, false};
    for (int begin = 0; begin < kCandidates; begin += kChunk) {
      inputs_.Write(rows_.frozen(), layout_, /*context=*/false, InputColumns::kOfSide, kChunk, view, begin);
    }
  }

 private:
  const Rows& rows_;
  const InputLayout layout_;
  InputRows inputs_;
};

// The arms at so many rows: plain with each of kAheads, by row number, by id.
std::vector<Arm> Measure(const Rows& rows, const float* plain, int64_t count, double seconds) {
  std::mt19937_64 random(static_cast<uint64_t>(count));
  std::vector<std::vector<uint32_t>> wanted(kGathers);
  std::vector<EncodedBatch> batches(kGathers);
  for (int64_t g = 0; g < kGathers; ++g) {
    batches[g].rows = kCandidates;
    batches[g].scenes.assign(kCandidates, 0);
    batches[g].slots.resize(kFeatures);
    for (int64_t i = 0; i < kGathered; ++i) {
      const uint64_t id = random() % static_cast<uint64_t>(count);
      batches[g].slots[i % kFeatures].ids.push_back(id);
      wanted[g].push_back(static_cast<uint32_t>(id));
    }
  }
  std::vector<float> to(kGathered * kDimension);
  IdGather by_id(rows);
  size_t next = 0;
  const auto turn = [&] { return next++ % kGathers; };
  std::vector<Arm> arms;
  for (const int ahead : kAheads) {
    arms.emplace_back("plain", [&, ahead] { PlainGather(plain, wanted[turn()], ahead, to.data()); });
  }
  arms.emplace_back("by row number", [&] { rows.frozen().rows(0).GatherTo(wanted[turn()], to.data()); });
  arms.emplace_back("by id", [&] { by_id.Gather(batches[turn()], to.data()); });
  Alternate(arms, {.seconds = seconds});
  return arms;
}

int Run(int argc, char** argv) {
  const int64_t most = (argc > 1 ? std::atoll(argv[1]) : 50) * 1'000'000;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.2;
  at::set_num_threads(1);
  PrintMachine();
  const ReservedMemory memory(most * kRowBytes);
  auto* plain = static_cast<float*>(memory.data());
  std::fill(plain, plain + most * kDimension, 0.25f);
  Rows rows;
  for (int64_t count = std::min<int64_t>(100'000, most); count <= most;
       count = count < most ? std::min(10 * count, most) : most + 1) {
    rows.GrowTo(count);
    const std::vector<Arm> arms = Measure(rows, plain, count, seconds);
    const auto nanos = [](const Arm& arm) { return 1e9 * Median(arm.seconds) / kGathered; };
    const auto best = std::min_element(arms.begin(), arms.begin() + kAheads.size(),
                                       [&](const Arm& a, const Arm& b) { return nanos(a) < nanos(b); });
    const Arm& by_row = arms[kAheads.size()];
    const Arm& by_id = arms[kAheads.size() + 1];
    const auto share = [&](const Arm& arm) { return 100 * Median(Ratios(best->windows, arm.windows)); };
    std::printf(
        "%9lld rows: plain loop %.1f ns a row (%.1f GB/s, %d rows ahead), by row number %.1f ns (%.0f %%), "
        "by id %.1f ns (%.0f %%)\n",
        static_cast<long long>(count), nanos(*best), kRowBytes / nanos(*best), kAheads[best - arms.begin()],
        nanos(by_row), share(by_row), nanos(by_id), share(by_id));
    std::fflush(stdout);
    if (count < most) continue;
    std::vector<double> percent = Ratios(best->windows, by_row.windows);
    for (double& value : percent) value *= 100;
    PrintFigure(absl::StrFormat("embedding gather of random rows, table of %d million, of a plain loop's bandwidth",
                                most / 1'000'000),
                IntervalOf(percent), AtLeast(60, " %"),
                absl::StrFormat("from ids, index and owners included: %.0f %%", share(by_id)));
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
