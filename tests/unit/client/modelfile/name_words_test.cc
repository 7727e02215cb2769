#include "client/modelfile/name_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/modelfile/unique_names.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NameWordsTest, CutsAtCapitalsDigitsAndEverythingElse) {
  EXPECT_THAT(NameWords("prevItemID_2"), ElementsAre("prev", "item", "id"));
  EXPECT_THAT(NameWords("HTTPCode"), ElementsAre("http", "code"));
  EXPECT_THAT(NameWords("Cost Total $"), ElementsAre("cost", "total"));
  EXPECT_THAT(NameWords("größe"), ElementsAre("größe"));
  EXPECT_THAT(NameWords("12 / 7"), IsEmpty());
}

TEST(NameWordsTest, LabelsAreToldFromTheirHistoryAndFromTheirDates) {
  EXPECT_EQ(LabelSignOf("y_cancel"), LabelSign::kMarked);
  EXPECT_EQ(LabelSignOf("is_click"), LabelSign::kOutcome);
  EXPECT_EQ(LabelSignOf("Converted"), LabelSign::kOutcome);
  EXPECT_EQ(LabelSignOf("prev_click"), LabelSign::kNone);
  EXPECT_EQ(LabelSignOf("previous_cancellations"), LabelSign::kNone);
  EXPECT_EQ(LabelSignOf("label_date"), LabelSign::kNone);
  EXPECT_EQ(LabelSignOf("median_price"), LabelSign::kAmount);
  EXPECT_EQ(LabelSignOf("yellow"), LabelSign::kNone);
}

TEST(NameWordsTest, PeopleAreNotTheirProperties) {
  EXPECT_TRUE(IsPersonName("user_id"));
  EXPECT_TRUE(IsPersonName("EMail"));
  EXPECT_TRUE(IsPersonName("customer"));
  EXPECT_FALSE(IsPersonName("customer_type"));
  EXPECT_FALSE(IsPersonName("is_repeated_guest"));
  EXPECT_FALSE(IsPersonName("device"));
}

TEST(NameWordsTest, AnItemsIdIsNotItsSales) {
  EXPECT_TRUE(IsIdentityName("item_id"));
  EXPECT_TRUE(IsIdentityName("product"));
  EXPECT_FALSE(IsIdentityName("item_sales_7d"));
  EXPECT_TRUE(IsAmountName("item_sales_7d"));
  EXPECT_EQ(LabelSignOf("rating"), LabelSign::kAmount) << "an item's average, as often as an outcome";
}

TEST(NameWordsTest, ANumberedNameSplits) {
  std::string stem;
  int number = 0;
  ASSERT_TRUE(SplitNumbered("y_next5_cat12", &stem, &number));
  EXPECT_EQ(stem, "y_next5_cat");
  EXPECT_EQ(number, 12);
  EXPECT_FALSE(SplitNumbered("y_next", &stem, &number));
  EXPECT_FALSE(SplitNumbered("2008", &stem, &number)) << "a number alone is no name of a step";
  EXPECT_FALSE(SplitNumbered("y_99999999999", &stem, &number));
}

TEST(UniqueNamesTest, EveryNameIsAllowedAndNoneComesTwice) {
  UniqueNames names;
  EXPECT_EQ(names.Make("price", "f"), "price");
  EXPECT_EQ(names.Make("Qty (kg)", "f"), "Qty_kg");
  EXPECT_EQ(names.Make("Qty [kg]", "f"), "Qty_kg_2");
  EXPECT_EQ(names.Make("价格", "column_3"), "column_3");
  EXPECT_EQ(names.Make("price", "f"), "price_2");
  for (int byte = 1; byte < 256; ++byte) EXPECT_TRUE(IsName(names.Make(std::string(3, static_cast<char>(byte)), "f")));
}

}  // namespace
}  // namespace polyscene
