#include "model/embedding/page_table.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

TEST(PageTableTest, MapsRowsToPositionsInTheArena) {
  PageTable table;
  table.Append(5, 1);
  table.Append(2, 1);

  EXPECT_EQ(table.Position(0), 5u * kRowsPerPage);
  EXPECT_EQ(table.Position(kRowsPerPage + 3), 2u * kRowsPerPage + 3);
}

TEST(PageTableTest, ACopyKeepsItsPagesWhenTheWriterReplacesThem) {
  PageTable table;
  for (uint32_t page = 0; page < 3'000; ++page) table.Append(page, 1);
  const PageTable copy = table;

  table.Set(0, 9'000, 2);
  table.Set(2'999, 9'001, 2);

  EXPECT_EQ(copy.page(0), 0u);
  EXPECT_EQ(copy.page(2'999), 2'999u);
  EXPECT_EQ(table.page(0), 9'000u);
  EXPECT_EQ(table.page(2'999), 9'001u);
}

TEST(PageTableTest, ACopyDoesNotGrowWithTheWriter) {
  PageTable table;
  table.Append(7, 1);
  const PageTable copy = table;

  for (uint32_t page = 0; page < 2'000; ++page) table.Append(page, 2);

  EXPECT_EQ(copy.size(), 1u);
  EXPECT_EQ(copy.page(0), 7u);
  EXPECT_EQ(table.size(), 2'001u);
}

}  // namespace
}  // namespace polyscene
