#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "google/protobuf/text_format.h"
#include "model/feature/encoder.h"
#include "server/codec/codec.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::EventBatch Batch(const std::string& text) {
  v1::EventBatch batch;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &batch));
  return batch;
}

TEST(DecodeTable, ViewsValuesWhereTheyLie) {
  const v1::EventBatch batch = Batch(R"(
    columns { name: "item" ints: 7 ints: -9 missing_rows: 1 }
    columns { name: "price" floats: 1.5 floats: 2 }
    columns { name: "tags" strings: "a" strings: "b" lengths: 0 lengths: 2 })");
  const absl::StatusOr<DecodedTable> table = DecodeTable(batch.columns(), -1);
  ASSERT_TRUE(table.ok());

  EXPECT_EQ(table->view.rows, 2);
  const ColumnView& item = table->view.columns[0];
  EXPECT_EQ(item.name, "item");
  EXPECT_EQ(item.type, ValueType::kInt64);
  EXPECT_EQ(item.ints.data(), batch.columns(0).ints().data());
  EXPECT_THAT(item.ints, ElementsAre(7, -9));
  EXPECT_THAT(item.missing, ElementsAre(1));
  EXPECT_EQ(table->view.columns[1].type, ValueType::kFloat);
  EXPECT_THAT(table->view.columns[1].floats, ElementsAre(1.5, 2));
  EXPECT_EQ(table->view.columns[2].type, ValueType::kString);
  EXPECT_THAT(table->view.columns[2].strings, ElementsAre("a", "b"));
  EXPECT_EQ(table->view.columns[2].strings[0].data(), batch.columns(2).strings(0).data());
  EXPECT_THAT(table->view.columns[2].lengths, ElementsAre(0, 2));
}

TEST(DecodeTable, ViewsStayValidWhenTheTableMoves) {
  const v1::EventBatch batch = Batch(R"(columns { name: "user" strings: "ann" })");
  DecodedTable table = *DecodeTable(batch.columns(), -1);
  const DecodedTable moved = std::move(table);
  EXPECT_THAT(moved.view.columns[0].strings, ElementsAre("ann"));
}

TEST(DecodeTable, TakesTheNumberOfRowsFromASequencesLengths) {
  const v1::EventBatch batch = Batch(R"(columns { name: "tags" strings: "a" lengths: 0 lengths: 1 lengths: 0 })");
  EXPECT_EQ(DecodeTable(batch.columns(), -1)->view.rows, 3);
}

TEST(DecodeTable, KeepsNoMoreMemoryThanTablesUsuallyNeed) {
  google::protobuf::RepeatedPtrField<v1::Column> columns;
  for (int i = 0; i < 3; ++i) columns.Add()->add_ints(i);
  DecodedTable table;
  ASSERT_TRUE(DecodeTable(columns, -1, &table).ok());
  const size_t few = table.view.columns.capacity();
  table.Clear();
  EXPECT_TRUE(table.view.columns.empty());
  EXPECT_EQ(table.view.columns.capacity(), few);
  for (int i = 0; i < 10'000; ++i) columns.Add()->add_ints(i);
  ASSERT_TRUE(DecodeTable(columns, -1, &table).ok());
  table.Clear();
  EXPECT_LT(table.view.columns.capacity(), 1000);
}

TEST(DecodeTable, HasNoRowsWithoutColumns) { EXPECT_EQ(DecodeTable({}, -1)->view.rows, 0); }

TEST(DecodeTable, RefusesAColumnWithTwoKindsOfValues) {
  const v1::EventBatch batch = Batch(R"(columns { name: "item" ints: 7 strings: "7" strings: "8" })");
  const absl::Status status = DecodeTable(batch.columns(), 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("column 'item' has 1 ints, 0 floats and 2 strings"));
}

TEST(DecodeEvents, ViewsLabelsWeightsAndTimes) {
  const v1::EventBatch batch = Batch(R"(
    scene: "shop" rows: 2 columns { name: "item" ints: 7 ints: 8 }
    labels { task: "click" values: 1 values: 0 missing_rows: 1 }
    event_times_micros: 10 event_times_micros: 20 weights: 0.5 weights: 2)");
  const DecodedExamples decoded = std::move(*DecodeEvents(batch));  // Views survive a move.
  EXPECT_EQ(decoded.view.scene, "shop");
  EXPECT_EQ(decoded.view.rows(), 2);
  EXPECT_THAT(decoded.view.features.Find("item")->ints, ElementsAre(7, 8));
  EXPECT_EQ(decoded.view.labels[0].task, "click");
  EXPECT_THAT(decoded.view.labels[0].values, ElementsAre(1, 0));
  EXPECT_THAT(decoded.view.labels[0].missing, ElementsAre(1));
  EXPECT_THAT(decoded.view.event_times_micros, ElementsAre(10, 20));
  EXPECT_THAT(decoded.view.weights, ElementsAre(0.5, 2));
}

TEST(HashPersonal, ReplacesPersonalValuesByTheirIdsAndLeavesOthers) {
  v1::EventBatch batch = Batch(R"(
    columns { name: "user" strings: "ann" strings: "" missing_rows: 1 }
    columns { name: "tags" strings: "a" lengths: 1 lengths: 0 })");
  const HashKey key({1, 2, 3});
  HashPersonal(*TinyModel(), key, batch.mutable_columns());

  EXPECT_THAT(batch.columns(0).strings(), IsEmpty());
  EXPECT_THAT(batch.columns(0).ints(), ElementsAre(PersonalId(key, "ann"), PersonalId(key, "")));
  EXPECT_THAT(batch.columns(0).missing_rows(), ElementsAre(1));
  EXPECT_THAT(batch.columns(1).strings(), ElementsAre("a"));
}

TEST(HashPersonal, InAViewLeavesTheMessageAsItIs) {
  const v1::EventBatch batch = Batch(R"(
    columns { name: "user" strings: "ann" strings: "bob" }
    columns { name: "item" ints: 1 ints: 2 })");
  DecodedTable table = *DecodeTable(batch.columns(), -1);
  const HashKey key({1, 2, 3});
  HashPersonal(*TinyModel(), key, &table);

  const DecodedTable moved = std::move(table);
  EXPECT_EQ(moved.view.columns[0].type, ValueType::kInt64);
  EXPECT_THAT(moved.view.columns[0].ints, ElementsAre(PersonalId(key, "ann"), PersonalId(key, "bob")));
  EXPECT_THAT(moved.view.columns[0].strings, IsEmpty());
  EXPECT_THAT(moved.view.columns[1].ints, ElementsAre(1, 2));
  EXPECT_THAT(batch.columns(0).strings(), ElementsAre("ann", "bob"));
}

TEST(DecodeRecord, ViewsWhatCallersWereServedWhereTheJoinerMadeIt) {
  v1::LogRecord record;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    events { scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 } labels { task: "click" values: 1 values: 0 } }
    joined { served { task: "click" values: 0.5 values: 0.25 missing_rows: 1 } correction_rows: 1 })",
                                                            &record));

  const absl::StatusOr<DecodedExamples> decoded = DecodeRecord(record);

  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->view.served.size(), 1u);
  EXPECT_EQ(decoded->view.served[0].task, "click");
  EXPECT_THAT(decoded->view.served[0].values, ElementsAre(0.5f, 0.25f));
  EXPECT_THAT(decoded->view.served[0].missing, ElementsAre(1u));
  EXPECT_THAT(decoded->view.corrections, ElementsAre(1u));
}

}  // namespace
}  // namespace polyscene
