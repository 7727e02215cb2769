#include "model/data/columns.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TableTest, AViewShowsTheValuesOfEveryColumn) {
  Table table;
  table.rows = 2;
  table.Add("age", ValueType::kInt64).ints = {29, 31};
  table.Add("price", ValueType::kFloat).floats = {1.5f, 2.5f};
  Column& tags = table.Add("tags", ValueType::kString);
  tags.strings = {"a", "b", "c"};
  tags.lengths = {3, 0};
  tags.missing = {1};

  const TableView view = table.View();

  EXPECT_EQ(view.rows, 2);
  ASSERT_EQ(view.columns.size(), 3u);
  EXPECT_THAT(view.columns[0].ints, ElementsAre(29, 31));
  EXPECT_THAT(view.columns[1].floats, ElementsAre(1.5f, 2.5f));
  EXPECT_THAT(view.columns[2].strings, ElementsAre("a", "b", "c"));
  EXPECT_THAT(view.columns[2].lengths, ElementsAre(3, 0));
  EXPECT_THAT(view.columns[2].missing, ElementsAre(1));
  EXPECT_EQ(view.columns[2].value_count(), 3);
}

TEST(TableTest, TellsTheBytesItBorrows) {
  Table table;
  table.rows = 2;
  table.Add("age", ValueType::kInt64).ints = {29, 31};
  Column& price = table.Add("price", ValueType::kFloat);
  price.floats = {1.5f, 0};
  price.missing = {1};
  Column& tags = table.Add("tags", ValueType::kString);
  tags.strings = {"shoes", "red"};
  tags.lengths = {2, 0};

  // Two ids; two prices and a missing row; two views, eight characters and two lengths.
  EXPECT_EQ(table.View().bytes(), 16 + 12 + (2 * static_cast<int64_t>(sizeof(absl::string_view)) + 8 + 8));
  EXPECT_EQ(TableView().bytes(), 0);
}

TEST(TableTest, ASecondViewLeavesTheFirstValid) {
  Table table;
  table.rows = 1;
  table.Add("query", ValueType::kString).strings = {"shoes"};

  const TableView first = table.View();
  const TableView second = table.View();

  EXPECT_EQ(first.columns[0].strings.data(), second.columns[0].strings.data());
  EXPECT_THAT(first.columns[0].strings, ElementsAre("shoes"));
}

TEST(TableTest, AViewOfAMovedTableShowsItsOwnStrings) {
  Table table;
  table.rows = 1;
  table.Add("query", ValueType::kString).strings = {"a"};
  table.View();

  const Table moved = std::move(table);

  EXPECT_THAT(moved.View().columns[0].strings, ElementsAre("a"));
}

TEST(TableTest, FindsColumnsByNameAndNoOthers) {
  Table table;
  table.Add("age", ValueType::kInt64);

  const TableView view = table.View();

  ASSERT_NE(view.Find("age"), nullptr);
  EXPECT_THAT(view.Find("age")->ints, IsEmpty());
  EXPECT_EQ(view.Find("Age"), nullptr);
}

TEST(ValueTypeNameTest, IsWhatTheModelFileWrites) {
  EXPECT_EQ(ValueTypeName(ValueType::kInt64), "INT64");
  EXPECT_EQ(ValueTypeName(ValueType::kFloat), "FLOAT");
  EXPECT_EQ(ValueTypeName(ValueType::kString), "STRING");
}

}  // namespace
}  // namespace polyscene
