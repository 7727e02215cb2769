// Gathering embedding rows of 16 numbers at random, as a request does, against a plain loop over a flat array as large
// that asks for each row's memory beforehand and copies it out: what the machine's memory gives.
//
//   gather_bench [MILLION_ROWS [SECONDS]]        50; of a window, 0.2
//
// From 100,000 rows on, ten times as many each time. By row number: FrozenRows::Gather(), page table included. By id:
// the index and the rows' owners before that.
#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_format.h"
#include "model/embedding/reserved_memory.h"
#include "model/embedding/row_index.h"
#include "model/embedding/row_store.h"
#include "tests/bench/support/alternate.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int64_t kDimension = 16;
constexpr int64_t kRowBytes = kDimension * sizeof(float);
constexpr int64_t kGathered = 8'000;  // At once: 400 candidates of 20 ids, which the second cache holds.
constexpr int64_t kGathers = 64;      // Different ones, so that rows are met again after half a million others.
constexpr int64_t kAddedAtOnce = 500'000;
constexpr int kAhead = 16;  // Rows that the plain loop asks for before it needs them.

// A store whose row r is of id r, and an index that leads there.
class Rows {
 public:
  void GrowTo(int64_t rows) {
    index_.Reserve(rows);
    std::vector<float> values(kAddedAtOnce * kDimension, 0.25f);
    std::vector<RowOwner> owners;
    for (int64_t next = store_.row_count(); next < rows; next += static_cast<int64_t>(owners.size())) {
      owners.clear();
      for (int64_t row = next; row < std::min(rows, next + kAddedAtOnce); ++row) {
        owners.push_back({0, static_cast<uint64_t>(row)});
        index_.Insert(static_cast<uint64_t>(row), static_cast<uint32_t>(row));
      }
      store_.Add(absl::MakeConstSpan(values).first(owners.size() * kDimension), owners);
    }
    frozen_ = store_.Freeze();
  }
  const FrozenRows& frozen() const { return *frozen_; }
  const RowIndexSlots& slots() const { return index_.array(); }

 private:
  RowStore store_{kDimension, torch::kCPU};
  RowIndex index_;
  std::shared_ptr<const FrozenRows> frozen_;
};

void PlainGather(const float* table, const std::vector<uint32_t>& rows, float* to) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) __builtin_prefetch(table + rows[i + kAhead] * kDimension);
    std::memcpy(to + i * kDimension, table + rows[i] * kDimension, kRowBytes);
  }
}

// The arms at so many rows: plain, by row number, by id.
std::vector<Arm> Measure(const Rows& rows, const float* plain, int64_t count, double seconds) {
  std::mt19937_64 random(static_cast<uint64_t>(count));
  std::vector<std::vector<uint32_t>> wanted(kGathers);
  std::vector<std::vector<uint64_t>> ids(kGathers);
  for (int64_t g = 0; g < kGathers; ++g) {
    for (int64_t i = 0; i < kGathered; ++i) {
      ids[g].push_back(random() % static_cast<uint64_t>(count));
      wanted[g].push_back(static_cast<uint32_t>(ids[g].back()));
    }
  }
  std::vector<float> to(kGathered * kDimension);
  std::vector<uint32_t> found(kGathered);
  size_t next = 0;
  const auto turn = [&] { return next++ % kGathers; };
  std::vector<Arm> arms;
  arms.emplace_back("plain", [&] { PlainGather(plain, wanted[turn()], to.data()); });
  arms.emplace_back("by row", [&] { rows.frozen().Gather(wanted[turn()]); });
  arms.emplace_back("by id", [&] {
    FindRows(rows.slots(), rows.frozen(), 0, ids[turn()], absl::MakeSpan(found));
    rows.frozen().Gather(found);
  });
  Alternate(arms, {.seconds = seconds});
  return arms;
}

int Run(int argc, char** argv) {
  const int64_t most = (argc > 1 ? std::atoll(argv[1]) : 50) * 1'000'000;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.2;
  at::set_num_threads(1);
  const c10::InferenceMode inference;
  PrintMachine();
  const ReservedMemory memory(most * kRowBytes);
  auto* plain = static_cast<float*>(memory.data());
  std::fill(plain, plain + most * kDimension, 0.25f);
  Rows rows;
  for (int64_t count = std::min<int64_t>(100'000, most); count <= most;
       count = count < most ? std::min(10 * count, most) : most + 1) {
    rows.GrowTo(count);
    const std::vector<Arm> arms = Measure(rows, plain, count, seconds);
    const auto nanos = [&](size_t arm) { return 1e9 * Median(arms[arm].seconds) / kGathered; };
    const auto share = [&](size_t arm) { return 100 * Median(Ratios(arms[0].windows, arms[arm].windows)); };
    std::printf(
        "%9lld rows: plain loop %.1f ns a row (%.1f GB/s), by row number %.1f ns (%.0f %%), by id %.1f ns (%.0f %%)\n",
        static_cast<long long>(count), nanos(0), kRowBytes / nanos(0), nanos(1), share(1), nanos(2), share(2));
    std::fflush(stdout);
    if (count < most) continue;
    std::vector<double> percent = Ratios(arms[0].windows, arms[1].windows);
    for (double& value : percent) value *= 100;
    PrintFigure(absl::StrFormat("embedding gather of random rows, table of %d million, of a plain loop's bandwidth",
                                most / 1'000'000),
                IntervalOf(percent), AtLeast(60, " %"), absl::StrFormat("from ids, index included: %.0f %%", share(2)));
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
