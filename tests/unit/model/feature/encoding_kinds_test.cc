// Crossed and vector encodings, and features that are known in training only.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/feature/encoder.h"
#include "model/feature/validation.h"
#include "tests/unit/model/feature/shop_model.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kModel[] = R"(
  name: "kinds"
  features { name: "city" side: CONTEXT type: STRING
    encode { hash { embedding { dimension: 4 } } }
    encode { crossed { with: ["brand", "hour"] embedding { dimension: 2 } } } }
  features { name: "hour" side: CONTEXT type: INT64
    encode { crossed { with: "city" embedding { dimension: 2 } } } }
  features { name: "brand" side: CANDIDATE type: STRING encode { one_hot { values: "acme" } } }
  features { name: "picture" side: CANDIDATE type: FLOAT sequence {} encode { vector { length: 2 } } }
  features { name: "text" side: CANDIDATE type: FLOAT required: true sequence {} encode { vector { length: 2 } } }
  features { name: "position" side: CANDIDATE type: INT64 training_only { dropout: 0.25 }
    encode { hash { embedding { dimension: 2 } } } encode { numeric { scaling: NONE } } }
  scenes { name: "feed" tasks: "click" }
  tasks { name: "click" binary {} }
  network { shared_bottom { hidden: [2] } }
)";

class EncodingKindsTest : public ::testing::Test {
 protected:
  void Encode(const TableBuilder& table) {
    const TableView view = table.View();
    encoder_.AppendRows(statistics_, 0, view, 0, view.rows, batch_);
  }

  const EncodingSpec& Encoding(absl::string_view feature, int encoding) const {
    return spec_->features()[spec_->FindFeature(feature)].encodings[encoding];
  }
  const std::vector<uint64_t>& Ids(absl::string_view feature, int encoding = 0) const {
    return batch_.slots[Encoding(feature, encoding).slot].ids;
  }
  std::vector<float> Dense(absl::string_view feature, int64_t row, int encoding = 0) const {
    const EncodingSpec& spec = Encoding(feature, encoding);
    const auto begin = batch_.dense.begin() + row * spec_->dense_width() + spec.dense_offset;
    return {begin, begin + spec.dense_width};
  }

  static TableBuilder& Vectors(TableBuilder& table, absl::string_view name, std::vector<float> values,
                               std::vector<uint32_t> lengths, std::vector<uint32_t> missing = {}) {
    table.Floats(name, std::move(values), std::move(missing)).Rows(static_cast<int64_t>(lengths.size()));
    table.column(name).lengths = std::move(lengths);
    return table;
  }

  std::shared_ptr<const ModelSpec> spec_ = *ModelSpec::Parse(kModel, "kinds.textproto");
  FeatureEncoder encoder_{spec_, HashKey()};
  FeatureStatistics statistics_{spec_->statistics_count()};
  EncodedBatch batch_;
};

TEST_F(EncodingKindsTest, ACrossedIdIsOfTheCombination) {
  Encode(TableBuilder()
             .Strings("city", {"Ulm", "Ulm", "Bonn", "Ulm"})
             .Ints("hour", {1, 2, 1, 1})
             .Strings("brand", {"a", "a", "a", "a"}));
  const std::vector<uint64_t>& ids = Ids("city", 1);
  EXPECT_EQ(ids[0], ids[3]);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[0], ids[2]);
  EXPECT_NE(ids[1], ids[2]);
  EXPECT_EQ(Ids("hour")[0], Ids("hour")[3]);
  EXPECT_NE(Ids("hour")[0], Ids("hour")[1]);
}

TEST_F(EncodingKindsTest, AValueInAnotherPlaceIsAnotherCombination) {
  Encode(TableBuilder().Strings("city", {"x", "y"}).Ints("hour", {1, 1}).Strings("brand", {"y", "x"}));
  EXPECT_NE(Ids("city", 1)[0], Ids("city", 1)[1]);
}

TEST_F(EncodingKindsTest, ACombinationMissesWhereOneOfItsValuesDoes) {
  Encode(TableBuilder()
             .Strings("city", {"Ulm", "Ulm", "Ulm"}, {1})
             .Ints("hour", {1, 1, 1}, {2})
             .Strings("brand", {"a", "a", "a"}));
  const std::vector<uint64_t>& ids = Ids("city", 1);
  EXPECT_NE(ids[0], kMissingId);
  EXPECT_EQ(ids[1], kMissingId);
  EXPECT_EQ(ids[2], kMissingId);
  Encode(TableBuilder().Strings("city", {"Ulm"}).Ints("hour", {1}));  // No column of brand.
  EXPECT_EQ(Ids("city", 1)[3], kMissingId);
  EXPECT_EQ(Ids("hour")[3], Ids("hour")[0]);
}

TEST_F(EncodingKindsTest, ARequestCrossesItsContextWithEachCandidate) {
  const TableBuilder context = TableBuilder().Strings("city", {"Ulm"}).Ints("hour", {7});
  const TableBuilder candidates = TableBuilder().Strings("brand", {"a", "b", "a"}, {2});
  encoder_.AppendRequest(statistics_, 0, context.View(), candidates.View(), batch_);
  EncodedBatch rows;
  const TableBuilder written_out = TableBuilder()
                                       .Strings("city", {"Ulm", "Ulm", "Ulm"})
                                       .Ints("hour", {7, 7, 7})
                                       .Strings("brand", {"a", "b", "a"}, {2});
  encoder_.AppendRows(statistics_, 0, written_out.View(), 0, 3, rows);
  EXPECT_EQ(Ids("city", 1), rows.slots[Encoding("city", 1).slot].ids);
  EXPECT_EQ(Ids("hour"), rows.slots[Encoding("hour", 0).slot].ids);
  EXPECT_NE(Ids("city", 1)[0], Ids("city", 1)[1]);

  const TableBuilder nowhere = TableBuilder().Strings("city", {""}, {0}).Ints("hour", {7});
  encoder_.AppendRequest(statistics_, 0, nowhere.View(), candidates.View(), batch_);
  EXPECT_THAT(Ids("city", 1)[3], kMissingId);
}

TEST_F(EncodingKindsTest, AVectorIsInputsAsTheyCome) {
  TableBuilder table;
  Vectors(table, "picture", {0.5, -2, 9999, -9999}, {2, 0, 2}, {1});
  Vectors(table, "text", {1, 2, 3, 4, 5, 6}, {2, 2, 2});
  Encode(table);
  EXPECT_THAT(Dense("picture", 0), ElementsAre(0.5, -2, 0));
  EXPECT_THAT(Dense("picture", 1), ElementsAre(0, 0, 1));
  EXPECT_THAT(Dense("picture", 2), ElementsAre(1000, -1000, 0));
  EXPECT_THAT(Dense("text", 2), ElementsAre(5, 6));
}

TEST_F(EncodingKindsTest, WithoutItsColumnAVectorIsMissing) {
  Encode(TableBuilder().Strings("brand", {"a"}));
  EXPECT_THAT(Dense("picture", 0), ElementsAre(0, 0, 1));
  EXPECT_THAT(Dense("text", 0), ElementsAre(0, 0));
}

TEST_F(EncodingKindsTest, TheModelIsTheSameOnceItsDefaultsAreWrittenOut) {
  const auto again = ModelSpec::Create(spec_->file());
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ((*again)->fingerprint(), spec_->fingerprint());
}

TEST_F(EncodingKindsTest, AVectorOfAnotherLengthIsRefusedRowByRow) {
  TableBuilder table;
  Vectors(table, "picture", {1, 2, 3}, {2, 1, 0}, {2});
  Vectors(table, "text", {1, 2, 3, 4, 5, 6}, {2, 2, 2});
  ExamplesView view;
  view.scene = "feed";
  view.features = table.View();
  std::vector<RowError> errors;
  ValidateExamples(*spec_, view, 100, errors);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].row, 1);
  EXPECT_THAT(errors[0].message, HasSubstr("'picture', row 1: got 1 values, expected 2, the length of its vectors"));
}

TEST_F(EncodingKindsTest, WhatIsKnownInTrainingOnlyIsMissingWhereRowsAreScored) {
  const TableBuilder table = TableBuilder().Ints("position", {1, 2});
  Encode(table);
  encoder_.AppendRequest(statistics_, 0, TableView(), table.View(), batch_);
  EXPECT_THAT(Ids("position"), ElementsAre(kMissingId, kMissingId, kMissingId, kMissingId));
  EXPECT_THAT(Dense("position", 3, 1), ElementsAre(0, 1));
}

TEST_F(EncodingKindsTest, AShareOfTheRowsIsLearnedWithoutIt) {
  constexpr int kRows = 4000;
  const TableBuilder table = TableBuilder().Ints("position", std::vector<int64_t>(kRows, 3), {5});
  const TableView view = table.View();
  encoder_.AppendLearnedRows(statistics_, 0, view, 0, kRows, 1000, batch_);
  int dropped = 0;
  for (int row = 0; row < kRows; ++row) {
    const bool missing = Ids("position")[row] == kMissingId;
    dropped += missing;
    EXPECT_EQ(Dense("position", row, 1), missing ? (std::vector<float>{0, 1}) : (std::vector<float>{3, 0})) << row;
  }
  EXPECT_NEAR(dropped, kRows / 4, kRows / 40);
  EXPECT_EQ(Ids("position")[5], kMissingId);

  // The same rows whatever the pieces they come in.
  EncodedBatch pieces;
  encoder_.AppendLearnedRows(statistics_, 0, view, 0, 700, 1000, pieces);
  encoder_.AppendLearnedRows(statistics_, 0, view, 700, kRows, 1700, pieces);
  EXPECT_EQ(pieces.slots[Encoding("position", 0).slot].ids, Ids("position"));
}

}  // namespace
}  // namespace polyscene
