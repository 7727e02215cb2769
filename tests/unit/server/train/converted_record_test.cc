// Records of the event log as rows of another model file than they were logged under.
#include "server/train/converted_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kRecord[] = R"(
  events {
    scene: "shop" rows: 3
    columns { name: "item" ints: 7 ints: 8 ints: 9 }
    columns { name: "price" floats: 1.5 floats: 2 floats: 0 missing_rows: 2 }
    columns { name: "tags" strings: "1" strings: "x" strings: "3" lengths: 1 lengths: 0 lengths: 2 }
    columns { name: "user" ints: -5 ints: 6 ints: 6 }
    columns { name: "gone" ints: 1 ints: 2 ints: 3 }
    labels { task: "click" values: 1 values: 0 values: 1 missing_rows: 1 }
    labels { task: "gone" values: 1 values: 1 values: 1 }
    event_times_micros: 10 event_times_micros: 20 event_times_micros: 30
    weights: 1 weights: -1 weights: 1
  })";

std::shared_ptr<const ModelSpec> Model(const std::string& features, const std::string& tasks) {
  auto spec = ModelSpec::Parse("name: \"new\" " + features + " scenes { name: \"shop\" tasks: \"click\" } " + tasks +
                                   " network { shared_bottom { hidden: 4 } }",
                               "new.textproto");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return *spec;
}

std::string Feature(const std::string& name, const std::string& rest) {
  return "features { name: \"" + name + "\" side: CONTEXT " + rest +
         " encode { hash { embedding { dimension: 4 } } } } ";
}

class ConvertedRecordTest : public testing::Test {
 protected:
  void Convert(const std::string& features, const std::string& tasks = "tasks { name: \"click\" binary {} }") {
    const auto spec = Model(features, tasks);
    v1::LogRecord record;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kRecord, &record));
    errors_ = ConvertRecord(*spec, spec->FindScene("shop"), record, &table_);
  }
  const Column& Only() {
    EXPECT_THAT(table_.features.columns, SizeIs(1));
    return table_.features.columns.at(0);
  }

  EventTable table_;
  std::vector<RowError> errors_;
};

TEST_F(ConvertedRecordTest, WhatTheModelHasIsTakenAsItIs) {
  Convert(Feature("item", "type: INT64"));
  EXPECT_EQ(Only().name, "item");
  EXPECT_THAT(Only().ints, ElementsAre(7, 8, 9));
  ASSERT_THAT(table_.labels, SizeIs(1));
  EXPECT_THAT(table_.labels[0].values, ElementsAre(1, 0, 1));
  EXPECT_THAT(table_.labels[0].missing, ElementsAre(1));
  EXPECT_THAT(table_.event_times_micros, ElementsAre(10, 20, 30));
  EXPECT_THAT(table_.weights, ElementsAre(1, -1, 1));  // A correction's, below 0, is no mistake.
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(ConvertedRecordTest, ValuesAreConvertedToTheFeaturesNewType) {
  Convert(Feature("item", "type: STRING"));
  EXPECT_THAT(Only().strings, ElementsAre("7", "8", "9"));
  Convert(Feature("price", "type: STRING"));
  EXPECT_THAT(Only().strings, ElementsAre("1.5", "2", "0"));
  EXPECT_THAT(Only().missing, ElementsAre(2));
}

TEST_F(ConvertedRecordTest, AValueThatTheNewTypeCannotSayIsMissing) {
  Convert(Feature("price", "type: INT64"));
  EXPECT_EQ(Only().ints[1], 2);
  EXPECT_THAT(Only().missing, ElementsAre(0, 2));  // 1.5 is no whole number; row 2 was missing before.
  Convert(Feature("tags", "type: INT64 sequence {}"));
  EXPECT_THAT(Only().lengths, ElementsAre(1, 0, 2));
  EXPECT_THAT(Only().missing, ElementsAre(2));
}

TEST_F(ConvertedRecordTest, ASingleValueBecomesASequenceOfOneButNoSequenceASingleValue) {
  Convert(Feature("item", "type: INT64 sequence {}"));
  EXPECT_THAT(Only().lengths, ElementsAre(1, 1, 1));
  Convert(Feature("tags", "type: STRING"));
  EXPECT_THAT(table_.features.columns, IsEmpty());
}

TEST_F(ConvertedRecordTest, PersonalValuesStayTheIdsTheyWereLoggedAs) {
  Convert(Feature("user", "type: STRING personal: true"));
  EXPECT_EQ(Only().type, ValueType::kInt64);
  EXPECT_THAT(Only().ints, ElementsAre(-5, 6, 6));
}

TEST_F(ConvertedRecordTest, ARowWithoutARequiredFeatureIsBad) {
  Convert("features { name: \"price\" side: CONTEXT type: FLOAT required: true encode { numeric {} } }");
  ASSERT_THAT(errors_, SizeIs(1));
  EXPECT_EQ(errors_[0].row, 2);
  EXPECT_EQ(errors_[0].reason, "missing_value");
  EXPECT_THAT(errors_[0].message, HasSubstr("'price'"));
}

TEST_F(ConvertedRecordTest, ALabelThatIsNoneOfItsTasksKindIsBadOrLeftOut) {
  Convert(Feature("item", "type: INT64"), "tasks { name: \"click\" forecast { horizon: 2 } }");
  EXPECT_THAT(table_.labels, IsEmpty());
  EXPECT_THAT(errors_, IsEmpty());
}

}  // namespace
}  // namespace polyscene
