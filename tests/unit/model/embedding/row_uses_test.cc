#include "model/embedding/row_uses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <random>

#include "absl/container/flat_hash_map.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr auto kAnyRow = [](uint32_t) { return true; };

TEST(RowUsesTest, ACountIsHalvedWithEachHalfLifeThatItsIdIsNotSeen) {
  RowUses uses(/*half_life_rows=*/4 * kUseUnitRows);
  uses.Begin(0);
  uses.See(0, 100, 10 * kUseUnitRows);

  EXPECT_EQ(uses.CountNow(0, 10 * kUseUnitRows), 100u);
  EXPECT_EQ(uses.CountNow(0, 14 * kUseUnitRows - 1), 100u);
  EXPECT_EQ(uses.CountNow(0, 14 * kUseUnitRows), 50u);
  EXPECT_EQ(uses.CountNow(0, 22 * kUseUnitRows), 12u);
  EXPECT_EQ(uses.CountNow(0, 1'000'000 * kUseUnitRows), 0u);
  uses.See(0, 1, 18 * kUseUnitRows);
  EXPECT_EQ(uses.at(0).count, 26);  // A quarter of 100, and one.
}

TEST(RowUsesTest, ACountEndsAt255) {
  RowUses uses(1024);
  uses.Begin(0);
  uses.See(0, 1'000'000, 0);
  EXPECT_EQ(uses.at(0).count, 255);
}

TEST(RowUsesTest, ARowIsNeverUnseenTooEarlyAndLessThanAUnitLate) {
  RowUses uses(1024);
  uses.Begin(0);
  uses.See(0, 1, 3'000);
  EXPECT_FALSE(uses.Unseen(0, 5'000, 7'999));
  EXPECT_FALSE(uses.Unseen(0, 5'000, 8'000));
  EXPECT_TRUE(uses.Unseen(0, 5'000, 8'000 + kUseUnitRows));
}

TEST(RowUsesTest, TheLeastUsefulIsTheOneSeenLeastThenTheOneUnseenForLongestThenTheLowest) {
  RowUses uses(1 << 20);
  const std::vector<RowUse> rows = {{9, 3}, {9, 1}, {2, 2}, {2, 1}, {9, 1}, {1, 3}};
  for (uint32_t row = 0; row < rows.size(); ++row) uses.Set(row, rows[row]);
  const uint64_t now = 10 * kUseUnitRows;
  EXPECT_THAT(uses.LeastUseful(1, 6, now, kAnyRow), ElementsAre(3));
  EXPECT_THAT(uses.LeastUseful(2, 6, now, kAnyRow), UnorderedElementsAre(3, 1));
  EXPECT_THAT(uses.LeastUseful(4, 6, now, kAnyRow), UnorderedElementsAre(3, 1, 4, 2));
  EXPECT_THAT(uses.LeastUseful(1, 6, now, [](uint32_t row) { return row == 0 || row == 5; }), ElementsAre(5));
  EXPECT_THAT(uses.LeastUseful(9, 6, now, [](uint32_t row) { return row < 2; }), UnorderedElementsAre(0, 1));
}

TEST(RowUsesTest, TheHandLooksAtSixteenRowsForEachThatHasToGoAndGoesOnFromThere) {
  RowUses uses(1 << 20);
  for (uint32_t row = 0; row < 100; ++row) uses.Set(row, {100 - row, 1});  // The later, the longer unseen.
  EXPECT_THAT(uses.LeastUseful(1, 100, 0, kAnyRow), ElementsAre(15));
  EXPECT_THAT(uses.LeastUseful(1, 100, 0, kAnyRow), ElementsAre(31));
  EXPECT_EQ(uses.eviction_hand(), 32u);
  uses.SetHands(90, 0);
  EXPECT_THAT(uses.LeastUseful(1, 100, 0, kAnyRow), ElementsAre(99));  // 90 to 99, then 0 to 5.
  EXPECT_EQ(uses.eviction_hand(), 6u);
}

TEST(RowUsesTest, TheSweepComesByEachRowWithinARound) {
  RowUses uses(1024);
  std::map<uint32_t, int> visits;
  for (int step = 0; step < 100; ++step) uses.Sweep(10, 1'000, 777, [&visits](uint32_t row) { ++visits[row]; });
  EXPECT_EQ(visits.size(), 777u);
  for (const auto& [row, count] : visits) EXPECT_LE(count, 2);
  int visited = 0;
  uses.Sweep(1'000'000, 1'000, 777, [&visited](uint32_t) { ++visited; });
  EXPECT_EQ(visited, 777);  // Never twice in a step.
}

// ---- what it is good for: the share of sightings whose id has a row ----

// Ids drawn by Zipf's law, the popular ones others every while.
class ZipfStream {
 public:
  ZipfStream(int ids, double exponent) {
    double sum = 0;
    for (int i = 0; i < ids; ++i) cumulative_.push_back(sum += std::pow(i + 1, -exponent));
  }
  uint64_t Next() {
    const double at = std::uniform_real_distribution<double>(0, cumulative_.back())(random_);
    const auto rank =
        static_cast<uint64_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) - cumulative_.begin());
    ++drawn_;
    return (rank + drawn_ / 30'000 * 37) * 0x9e3779b97f4a7c15;  // The 37 most popular ids become others in time.
  }

 private:
  std::mt19937_64 random_{1};
  std::vector<double> cumulative_;
  uint64_t drawn_ = 0;
};

// [0, 1] of `draws` sightings, after as many that fill the table. choose(rows, now): the row that goes.
double HitRate(uint32_t rows, int draws, const std::function<uint32_t(uint64_t)>& choose,
               const std::function<void(uint32_t row, bool is_new, uint64_t now)>& see) {
  ZipfStream stream(40'000, 0.9);
  absl::flat_hash_map<uint64_t, uint32_t> row_of;
  std::vector<uint64_t> id_of;
  int hits = 0;
  for (int i = 0; i < 2 * draws; ++i) {
    const auto now = static_cast<uint64_t>(i);
    const uint64_t id = stream.Next();
    const auto it = row_of.find(id);
    if (it != row_of.end()) {
      hits += i >= draws;
      see(it->second, false, now);
      continue;
    }
    uint32_t row = static_cast<uint32_t>(id_of.size());
    if (row < rows) {
      id_of.push_back(id);
    } else {
      row = choose(now);
      row_of.erase(id_of[row]);
      id_of[row] = id;
    }
    row_of[id] = row;
    see(row, true, now);
  }
  return static_cast<double>(hits) / draws;
}

TEST(RowUsesTest, OfAZipfStreamMoreHaveARowThanWithTheOldestOrAnyOneLetGo) {
  constexpr uint32_t kRows = 1'000;
  constexpr int kDraws = 60'000;
  RowUses uses(/*half_life_rows=*/16 * kRows);
  const double ours = HitRate(
      kRows, kDraws, [&](uint64_t now) { return uses.LeastUseful(1, kRows, now, kAnyRow)[0]; },
      [&](uint32_t row, bool is_new, uint64_t now) {
        if (is_new) uses.Begin(row);
        uses.See(row, 1, now);
      });
  std::deque<uint32_t> ages;
  const double oldest = HitRate(
      kRows, kDraws,
      [&](uint64_t) {
        const uint32_t row = ages.front();
        ages.pop_front();
        return row;
      },
      [&](uint32_t row, bool is_new, uint64_t) {
        if (is_new) ages.push_back(row);
      });
  std::mt19937 random(2);
  const double any = HitRate(
      kRows, kDraws, [&](uint64_t) { return random() % kRows; }, [](uint32_t, bool, uint64_t) {});
  std::printf("rate of hits: %.4f, the oldest let go %.4f, any one %.4f\n", ours, oldest, any);
  EXPECT_GT(ours, oldest + 0.1);
  EXPECT_GT(ours, any + 0.1);
}

}  // namespace
}  // namespace polyscene
