#include "model/embedding/row_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace polyscene {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> RowsOf(const RowSet& set) {
  std::vector<uint32_t> rows;
  set.ForEach([&rows](uint32_t row) { rows.push_back(row); });
  return rows;
}

TEST(RowSetTest, HasEachRowOnceAscending) {
  RowSet set;
  for (const uint32_t row : {700u, 3u, 64u, 3u, 63u}) set.Add(row);
  set.Remove(64);
  set.Remove(9'999);

  EXPECT_THAT(RowsOf(set), ElementsAre(3, 63, 700));
  EXPECT_EQ(set.count(), 3u);
  EXPECT_TRUE(set.Contains(700));
  EXPECT_FALSE(set.Contains(64));
  EXPECT_FALSE(set.Contains(1'000'000));
}

TEST(RowSetTest, TakesTheLowestFirstWhateverWasAddedWhen) {
  RowSet set;
  for (const uint32_t row : {500u, 70u, 71u}) set.Add(row);

  EXPECT_EQ(set.TakeLowest(), 70u);
  EXPECT_EQ(set.TakeLowest(), 71u);
  set.Add(2);
  EXPECT_EQ(set.TakeLowest(), 2u);
  EXPECT_EQ(set.TakeLowest(), 500u);
  EXPECT_EQ(set.count(), 0u);
}

TEST(RowSetTest, TakingAllLeavesNone) {
  RowSet set;
  set.Add(5);
  EXPECT_THAT(RowsOf(set.Take()), ElementsAre(5));
  EXPECT_EQ(set.count(), 0u);
  set.Add(1);
  EXPECT_EQ(set.TakeLowest(), 1u);
}

}  // namespace
}  // namespace polyscene
