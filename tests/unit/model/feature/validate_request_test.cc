#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/feature/validation.h"
#include "tests/unit/model/feature/shop_model.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMaxRows = 5;

class ValidateRequestTest : public ::testing::Test {
 protected:
  ValidateRequestTest() { good_candidates_.Ints("item", {5, 6}).Floats("quality", {0.5f, 1}); }

  absl::Status Validate(const TableBuilder& context, const TableBuilder& candidates, int scene = kFeedScene) {
    return ValidateRequest(*spec_, spec_->scenes()[scene], context.View(), candidates.View(), kMaxRows);
  }

  // What is said of a request that must be refused.
  std::string Message(const TableBuilder& context, const TableBuilder& candidates, int scene = kFeedScene) {
    const absl::Status status = Validate(context, candidates, scene);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }
  std::string ContextMessage(const TableBuilder& context) { return Message(context, good_candidates_); }
  std::string CandidatesMessage(const TableBuilder& candidates) { return Message(TableBuilder(), candidates); }

  std::shared_ptr<const ModelSpec> spec_ = ShopSpec();
  TableBuilder good_candidates_;
};

TEST_F(ValidateRequestTest, AGoodRequestPasses) {
  good_candidates_.Strings("brand", {"", "acme"}, {0});

  EXPECT_TRUE(Validate(TableBuilder().Strings("user", {"ann"}).IntLists("recent", {{1, 2}}), good_candidates_).ok());
}

TEST_F(ValidateRequestTest, ContextMayBeLeftOutWhereNothingOfItIsRequired) {
  EXPECT_TRUE(Validate(TableBuilder(), good_candidates_).ok());
}

TEST_F(ValidateRequestTest, ANearlyKnownFeatureIsSuggested) {
  EXPECT_THAT(ContextMessage(TableBuilder().Ints("aeg", {20})),
              HasSubstr("feature 'aeg' is not in the model file; did you mean 'age'?"));
}

TEST_F(ValidateRequestTest, AnUnknownFeatureListsTheExpectedOnes) {
  EXPECT_THAT(ContextMessage(TableBuilder().Ints("temperature", {20})),
              AllOf(HasSubstr("feature 'temperature'"), HasSubstr("expected one of 'user', 'age', 'recent', 'words'")));
}

TEST_F(ValidateRequestTest, AFeatureOfAnotherSceneIsNotOfThisOne) {
  EXPECT_THAT(Message(TableBuilder().Ints("age", {20}), good_candidates_, kSearchScene),
              HasSubstr("context: feature 'age' is not of scene 'search'; expected 'user', 'words'"));
}

TEST_F(ValidateRequestTest, ACandidateFeatureSentAsContextIsToldSo) {
  EXPECT_THAT(ContextMessage(TableBuilder().Floats("price", {1, 2})),
              HasSubstr("context: feature 'price' is a candidate feature; expected it among the candidates"));
}

TEST_F(ValidateRequestTest, AContextFeatureSentWithCandidatesIsToldSo) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Ints("age", {20, 30})),
              HasSubstr("candidates: feature 'age' is a context feature; expected it among the context"));
}

TEST_F(ValidateRequestTest, AColumnComesOnce) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Ints("item", {1, 2})),
              HasSubstr("feature 'item': got two columns, expected one"));
}

TEST_F(ValidateRequestTest, AFloatFeatureTakesNoIntegers) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Ints("price", {1, 2})),
              HasSubstr("feature 'price': got INT64 values, expected FLOAT"));
}

TEST_F(ValidateRequestTest, APersonalFeatureHasItsDeclaredType) {
  EXPECT_THAT(ContextMessage(TableBuilder().Ints("user", {7})),
              HasSubstr("feature 'user': got INT64 values, expected STRING"));
}

TEST_F(ValidateRequestTest, ASingleValuedFeatureIsNoSequence) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.StringLists("brand", {{"a"}, {"b"}})),
              HasSubstr("feature 'brand': got a sequence (2 lengths), expected a single value a row"));
}

TEST_F(ValidateRequestTest, ASequenceNeedsLengths) {
  EXPECT_THAT(ContextMessage(TableBuilder().Ints("recent", {7})),
              HasSubstr("feature 'recent': got single values (no lengths), expected a sequence"));
}

TEST_F(ValidateRequestTest, AColumnHasAValueARow) {
  good_candidates_.Floats("price", {1, 2, 3}).Rows(2);

  EXPECT_THAT(CandidatesMessage(good_candidates_), HasSubstr("feature 'price': got 3 values, expected 2, one a row"));
}

TEST_F(ValidateRequestTest, ASequenceHasALengthARow) {
  const TableBuilder context = TableBuilder().IntLists("recent", {{1}, {2}}).Rows(1);

  EXPECT_THAT(ContextMessage(context), HasSubstr("feature 'recent': got 2 lengths, expected 1, one a row"));
}

TEST_F(ValidateRequestTest, LengthsSumToTheValues) {
  TableBuilder context;
  context.IntLists("recent", {{1, 2}}).column("recent").lengths = {3};

  EXPECT_THAT(ContextMessage(context), HasSubstr("feature 'recent': got 2 values, expected 3, the sum of its lengths"));
}

TEST_F(ValidateRequestTest, LengthsWhoseSumOverflows32BitsAreTold) {
  TableBuilder context;
  context.IntLists("recent", {{1}, {2}}).column("recent").lengths = {std::numeric_limits<uint32_t>::max(), 3};

  EXPECT_THAT(Message(context, TableBuilder(), kBehaviourScene), HasSubstr("got 2 values, expected 4294967298"));
}

TEST_F(ValidateRequestTest, ASequenceThatIsEmptyEverywhereNeedsNoType) {
  EXPECT_TRUE(Validate(TableBuilder().IntLists("words", {{}}), good_candidates_).ok());
}

TEST_F(ValidateRequestTest, MissingRowsAscend) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Floats("price", {1, 2}, {1, 1})),
              HasSubstr("feature 'price': got missing row 1 after 1, expected ascending rows, each once"));
}

TEST_F(ValidateRequestTest, MissingRowsAreRows) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Floats("price", {1, 2}, {2})),
              HasSubstr("feature 'price': got missing row 2, expected rows 0 to 1"));
}

TEST_F(ValidateRequestTest, ARequiredFeatureNeedsItsColumn) {
  EXPECT_THAT(CandidatesMessage(TableBuilder().Ints("item", {5})),
              HasSubstr("feature 'quality': got no column, expected one, for it is required in scene 'feed'"));
}

TEST_F(ValidateRequestTest, ARequiredFeatureOfAnotherSceneIsNotNeeded) {
  EXPECT_TRUE(Validate(TableBuilder(), TableBuilder().Ints("item", {5}), kSearchScene).ok());
}

TEST_F(ValidateRequestTest, ARequiredFeatureNeedsAValueInEveryRow) {
  good_candidates_.column("item").missing = {1};

  EXPECT_THAT(CandidatesMessage(good_candidates_),
              HasSubstr("candidates: feature 'item', row 1: got no value, expected one"));
}

TEST_F(ValidateRequestTest, NumbersAreFinite) {
  EXPECT_THAT(CandidatesMessage(good_candidates_.Floats("price", {1, std::numeric_limits<float>::quiet_NaN()})),
              HasSubstr("candidates: feature 'price', row 1: got nan, expected a finite number"));
}

TEST_F(ValidateRequestTest, WhatAMissingRowHoldsIsIgnored) {
  good_candidates_.Floats("price", {1, std::numeric_limits<float>::infinity()}, {1});

  EXPECT_TRUE(Validate(TableBuilder(), good_candidates_).ok());
}

TEST_F(ValidateRequestTest, TheSmallestIntegerStandsForMissingAndIsNoValue) {
  good_candidates_.column("item").ints[1] = std::numeric_limits<int64_t>::min();

  EXPECT_THAT(CandidatesMessage(good_candidates_),
              HasSubstr("feature 'item', row 1: got -9223372036854775808, expected any other 64-bit integer"));
}

TEST_F(ValidateRequestTest, StringsHaveAtMost1024Bytes) {
  EXPECT_TRUE(Validate(TableBuilder().Strings("user", {std::string(1024, 'a')}), good_candidates_).ok());
  EXPECT_THAT(ContextMessage(TableBuilder().Strings("user", {std::string(1025, 'a')})),
              HasSubstr("feature 'user', row 0: got a string of 1025 bytes, expected at most 1024"));
}

TEST_F(ValidateRequestTest, StringsAreUtf8) {
  EXPECT_THAT(ContextMessage(TableBuilder().StringLists("words", {{"caf\xC3\xA9", "caf\xE9"}})),
              HasSubstr("feature 'words', row 0: got a string that is not UTF-8 at byte 3"));
}

TEST_F(ValidateRequestTest, NamesFromOutsideAreQuotedWithoutControlBytesAndCut) {
  const std::string message = ContextMessage(TableBuilder().Ints("\x1b[2J" + std::string(500, 'x'), {1}));

  EXPECT_THAT(message, HasSubstr("'\\x1b[2Jxxx"));
  EXPECT_LT(message.size(), 250);
}

TEST_F(ValidateRequestTest, NoCandidatesAreAnError) {
  EXPECT_THAT(CandidatesMessage(TableBuilder()), HasSubstr("candidates: got 0 rows, expected 1 to 5"));
}

TEST_F(ValidateRequestTest, TooManyCandidatesAreAnError) {
  EXPECT_THAT(CandidatesMessage(TableBuilder().Ints("item", {1, 2, 3, 4, 5, 6})),
              HasSubstr("candidates: got 6 rows, expected 1 to 5"));
}

TEST_F(ValidateRequestTest, TheContextIsOneRow) {
  EXPECT_THAT(ContextMessage(TableBuilder().Ints("age", {20, 30})), HasSubstr("context: got 2 rows, expected 1"));
}

TEST_F(ValidateRequestTest, WithoutCandidateFeaturesTheContextHasManyRows) {
  EXPECT_TRUE(Validate(TableBuilder().Ints("age", {20, 30}), TableBuilder(), kBehaviourScene).ok());
}

TEST_F(ValidateRequestTest, WithoutCandidateFeaturesTheContextIsCounted) {
  EXPECT_THAT(Message(TableBuilder(), TableBuilder(), kBehaviourScene),
              HasSubstr("context: got 0 rows, expected 1 to 5"));
}

TEST_F(ValidateRequestTest, WithoutCandidateFeaturesCandidatesAreRefused) {
  EXPECT_THAT(Message(TableBuilder().Ints("age", {20}), TableBuilder().Rows(3), kBehaviourScene),
              HasSubstr("candidates: got 3 rows, expected none: scene 'behaviour' has no candidate features"));
}

}  // namespace
}  // namespace polyscene
