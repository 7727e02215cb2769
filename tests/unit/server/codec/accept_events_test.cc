#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "model/feature/encoder.h"
#include "server/codec/codec.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int64_t kMaxRows = 10;

class AcceptEventsTest : public ::testing::Test {
 protected:
  std::vector<RowError> Accept(const std::string& text) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &batch_));
    return AcceptEvents(*TinyModel(), HashKey(), kMaxRows, &batch_);
  }

  v1::EventBatch batch_;
};

TEST_F(AcceptEventsTest, GoodRowsStayAsTheyCame) {
  const std::vector<RowError> errors = Accept(R"(
    sequence: 4 scene: "shop" rows: 2
    columns { name: "item" ints: 7 ints: 8 }
    labels { task: "click" values: 1 values: 0 })");
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(batch_.sequence(), 4);
  EXPECT_EQ(batch_.rows(), 2);
  EXPECT_THAT(batch_.columns(0).ints(), ElementsAre(7, 8));
  EXPECT_THAT(batch_.labels(0).values(), ElementsAre(1, 0));
}

TEST_F(AcceptEventsTest, ABadRowIsTakenOutOfEveryColumn) {
  const std::vector<RowError> errors = Accept(R"(
    sequence: 1 scene: "shop" rows: 4
    columns { name: "item" ints: 1 ints: 2 ints: 3 ints: 4 }
    columns { name: "price" floats: 10 floats: nan floats: 30 floats: 40 missing_rows: 2 missing_rows: 3 }
    columns { name: "tags" strings: "a" strings: "b" strings: "c" strings: "d" lengths: 1 lengths: 2 lengths: 0 lengths: 1 }
    labels { task: "click" values: 1 values: 0 values: 0 values: 1 missing_rows: 3 }
    labels { task: "spend" values: 1.5 values: 2.5 values: 3.5 values: 4.5 }
    event_times_micros: 100 event_times_micros: 200 event_times_micros: 300 event_times_micros: 400
    weights: 1 weights: 2 weights: 3 weights: 4)");

  ASSERT_THAT(errors, ElementsAre(AllOf(Field(&RowError::row, 1), Field(&RowError::reason, "not_finite"),
                                        Field(&RowError::message, HasSubstr("'price'")))));
  EXPECT_EQ(batch_.rows(), 3);
  EXPECT_THAT(batch_.columns(0).ints(), ElementsAre(1, 3, 4));
  EXPECT_THAT(batch_.columns(1).floats(), ElementsAre(10, 30, 40));
  EXPECT_THAT(batch_.columns(1).missing_rows(), ElementsAre(1, 2));
  EXPECT_THAT(batch_.columns(2).strings(), ElementsAre("a", "d"));
  EXPECT_THAT(batch_.columns(2).lengths(), ElementsAre(1, 0, 1));
  EXPECT_THAT(batch_.labels(0).values(), ElementsAre(1, 0, 1));
  EXPECT_THAT(batch_.labels(0).missing_rows(), ElementsAre(2));
  EXPECT_THAT(batch_.labels(1).values(), ElementsAre(1.5, 3.5, 4.5));
  EXPECT_THAT(batch_.event_times_micros(), ElementsAre(100, 300, 400));
  EXPECT_THAT(batch_.weights(), ElementsAre(1, 3, 4));
}

TEST_F(AcceptEventsTest, WhatIsLeftIsValid) {
  Accept(R"(
    scene: "shop" rows: 3 columns { name: "item" ints: 1 ints: 2 ints: 3 }
    columns { name: "tags" strings: "a" strings: "b" lengths: 1 lengths: 0 lengths: 1 }
    labels { task: "click" values: 1 values: 7 values: 0 })");
  ASSERT_EQ(batch_.rows(), 2);
  v1::EventBatch again = batch_;
  EXPECT_THAT(AcceptEvents(*TinyModel(), HashKey(), kMaxRows, &again), IsEmpty());
  EXPECT_EQ(again.SerializeAsString(), batch_.SerializeAsString());
}

TEST_F(AcceptEventsTest, PersonalValuesNeverReachTheLog) {
  Accept(R"(
    scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
    columns { name: "user" strings: "ann@example.org" strings: "bob" })");
  EXPECT_THAT(batch_.SerializeAsString(), Not(HasSubstr("ann")));
  EXPECT_THAT(batch_.columns(1).ints(),
              ElementsAre(PersonalId(HashKey(), "ann@example.org"), PersonalId(HashKey(), "bob")));
}

TEST_F(AcceptEventsTest, AnUnreadableBatchLosesAllRowsAndKeepsItsSequence) {
  const std::vector<RowError> errors = Accept(R"(
    sequence: 9 scene: "serach" rows: 2 columns { name: "item" ints: 1 ints: 2 })");
  EXPECT_THAT(errors,
              ElementsAre(Field(&RowError::reason, "unknown_scene"), Field(&RowError::reason, "unknown_scene")));
  EXPECT_EQ(batch_.sequence(), 9);
  EXPECT_EQ(batch_.rows(), 0);
  EXPECT_THAT(batch_.columns(), IsEmpty());
  EXPECT_EQ(batch_.scene(), "");
}

TEST_F(AcceptEventsTest, AColumnWithTwoKindsOfValuesRefusesEveryRow) {
  const std::vector<RowError> errors = Accept(R"(
    scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 floats: 1 floats: 2 })");
  EXPECT_THAT(errors, ElementsAre(Field(&RowError::reason, "wrong_type"), Field(&RowError::reason, "wrong_type")));
  EXPECT_EQ(batch_.rows(), 0);
}

TEST_F(AcceptEventsTest, ABatchThatClaimsBillionsOfRowsGetsOneError) {
  const std::vector<RowError> errors = Accept(R"(scene: "shop" rows: 4294967295)");
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].reason, "too_many_rows");
  EXPECT_THAT(errors[0].message, HasSubstr("got 4294967295, expected 1 to 10"));
  EXPECT_EQ(batch_.rows(), 0);
}

TEST_F(AcceptEventsTest, ABatchWithoutRowsGetsOneError) {
  const std::vector<RowError> errors = Accept(R"(scene: "shop")");
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].reason, "no_rows");
}

}  // namespace
}  // namespace polyscene
