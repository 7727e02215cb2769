#include "model/data/table_slice.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TableSliceTest : public ::testing::Test {
 protected:
  TableSliceTest() {
    table_.rows = 5;
    Column& item = table_.Add("item", ValueType::kInt64);
    item.ints = {10, 11, 12, 13, 14};
    item.missing = {0, 2, 3};
    table_.Add("price", ValueType::kFloat).floats = {0.5f, 1.5f, 2.5f, 3.5f, 4.5f};
    Column& tags = table_.Add("tags", ValueType::kString);
    tags.strings = {"a", "b", "c", "d", "e", "f"};
    tags.lengths = {2, 0, 3, 0, 1};
    tags.missing = {1};
    view_ = table_.View();
  }

  Table table_;
  TableView view_;
  TableSlice slice_;
};

TEST_F(TableSliceTest, HasTheValuesOfItsRowsAlone) {
  const TableView& part = slice_.Cut(view_, 1, 4);
  EXPECT_EQ(part.rows, 3);
  ASSERT_THAT(part.columns, SizeIs(3));
  EXPECT_EQ(part.columns[0].name, "item");
  EXPECT_EQ(part.columns[2].type, ValueType::kString);
  EXPECT_THAT(part.Find("item")->ints, ElementsAre(11, 12, 13));
  EXPECT_THAT(part.Find("price")->floats, ElementsAre(1.5f, 2.5f, 3.5f));
}

TEST_F(TableSliceTest, CutsSequencesBetweenTheirRows) {
  const TableView& part = slice_.Cut(view_, 1, 4);
  EXPECT_THAT(part.Find("tags")->lengths, ElementsAre(0, 3, 0));
  EXPECT_THAT(part.Find("tags")->strings, ElementsAre("c", "d", "e"));
}

TEST_F(TableSliceTest, CountsMissingRowsFromItsOwnFirst) {
  const TableView& part = slice_.Cut(view_, 1, 4);
  EXPECT_THAT(part.Find("item")->missing, ElementsAre(1, 2));
  EXPECT_THAT(part.Find("price")->missing, IsEmpty());
  EXPECT_THAT(part.Find("tags")->missing, ElementsAre(0));
}

TEST_F(TableSliceTest, BorrowsTheValues) {
  EXPECT_EQ(slice_.Cut(view_, 2, 4).Find("price")->floats.data(), &table_.columns[1].floats[2]);
}

TEST_F(TableSliceTest, CutsAnotherTableAfterwards) {
  slice_.Cut(view_, 0, 5);
  Table other;
  other.rows = 2;
  other.Add("age", ValueType::kInt64).ints = {29, 31};
  const TableView other_view = other.View();

  const TableView& part = slice_.Cut(other_view, 1, 2);
  ASSERT_THAT(part.columns, SizeIs(1));
  EXPECT_THAT(part.columns[0].ints, ElementsAre(31));
  EXPECT_THAT(part.columns[0].missing, IsEmpty());
  EXPECT_THAT(part.columns[0].lengths, IsEmpty());
}

TEST_F(TableSliceTest, ATableWithoutColumnsHasRowsStill) {
  TableView bare;
  bare.rows = 7;
  EXPECT_EQ(slice_.Cut(bare, 2, 5).rows, 3);
}

}  // namespace
}  // namespace polyscene
