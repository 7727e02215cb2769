#include "model/embedding/row_index.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <thread>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

TEST(RowIndexTest, FindsWhatWasInsertedAndNothingElse) {
  RowIndex index;
  index.Insert(7, 0);
  index.Insert(uint64_t{1} << 63, 1);
  index.Insert(0, 2);

  EXPECT_EQ(index.Find(7), 0u);
  EXPECT_EQ(index.Find(uint64_t{1} << 63), 1u);
  EXPECT_EQ(index.Find(0), 2u);
  EXPECT_EQ(index.Find(8), kNoRow);
}

TEST(RowIndexTest, KeepsEveryEntryThroughGrowth) {
  RowIndex index;
  for (uint32_t row = 0; row < 50'000; ++row) index.Insert(uint64_t{row} * 3, row);

  EXPECT_EQ(index.size(), 50'000u);
  for (uint32_t row = 0; row < 50'000; ++row) ASSERT_EQ(index.Find(uint64_t{row} * 3), row);
  EXPECT_EQ(index.Find(1), kNoRow);
}

TEST(RowIndexTest, ForEachVisitsEachEntryOnce) {
  RowIndex index;
  for (uint32_t row = 0; row < 2'000; ++row) index.Insert(row + 100, row);

  std::map<uint64_t, uint32_t> seen;
  index.ForEach([&seen](uint64_t id, uint32_t row) { EXPECT_TRUE(seen.emplace(id, row).second); });

  EXPECT_EQ(seen.size(), 2'000u);
  EXPECT_EQ(seen[100], 0u);
  EXPECT_EQ(seen[2'099], 1'999u);
}

TEST(RowIndexTest, SlotsTakenBeforeGrowthStillAnswer) {
  RowIndex index;
  index.Insert(1, 0);
  const auto old_slots = index.slots();
  for (uint32_t row = 1; row < 10'000; ++row) index.Insert(row + 1, row);

  EXPECT_EQ(old_slots->Find(1), 0u);
}

// Under ThreadSanitizer this also proves that readers need no lock.
TEST(RowIndexTest, AReaderBesideTheWriterSeesWholeEntries) {
  RowIndex index;
  for (uint32_t row = 0; row < 100; ++row) index.Insert(row, row);
  const auto slots = index.slots();  // Room for more: the writer goes on in the same array.

  std::thread reader([&slots] {
    for (int round = 0; round < 200; ++round) {
      for (uint64_t id = 0; id < 500; ++id) {
        const uint32_t row = slots->Find(id);
        if (id < 100 || row != kNoRow) {
          EXPECT_EQ(row, id);
        }
      }
    }
  });
  for (uint32_t row = 100; row < 500; ++row) index.Insert(row, row);
  reader.join();
}

TEST(InitialRowTest, DependsOnSeedTableAndIdAlone) {
  std::array<float, 4> a, b;
  InitialRow(1, 2, 3, 0.05f, absl::MakeSpan(a));
  InitialRow(1, 2, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_EQ(a, b);

  InitialRow(2, 2, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
  InitialRow(1, 3, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
  InitialRow(1, 2, 4, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
}

TEST(InitialRowTest, IsUniformWithinItsRange) {
  double sum = 0;
  double squares = 0;
  std::array<float, 8> values;
  for (uint64_t id = 0; id < 10'000; ++id) {
    InitialRow(1, 0, id, 0.5f, absl::MakeSpan(values));
    for (const float v : values) {
      ASSERT_GE(v, -0.5f);
      ASSERT_LE(v, 0.5f);
      sum += v;
      squares += double{v} * v;
    }
  }
  EXPECT_NEAR(sum / 80'000, 0, 0.005);
  EXPECT_NEAR(squares / 80'000, 0.25 / 3, 0.002);  // A uniform's variance is range^2 / 3.
}

}  // namespace
}  // namespace polyscene
