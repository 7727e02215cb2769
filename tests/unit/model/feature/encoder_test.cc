#include "model/feature/encoder.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/feature/shop_model.h"

namespace polyscene {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatEq;
using ::testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class EncoderTest : public ::testing::Test {
 protected:
  // Encodes all rows of the table into batch_.
  void Encode(const TableBuilder& table, int scene = kFeedScene) {
    const TableView view = table.View();
    encoder_.AppendRows(statistics_, scene, view, 0, view.rows, batch_);
  }

  void Observe(const TableBuilder& table, int scene = kFeedScene) {
    const TableView view = table.View();
    encoder_.Observe(scene, view, 0, view.rows, statistics_);
  }

  const EncodingSpec& Encoding(absl::string_view feature, int encoding) {
    return spec_->features()[spec_->FindFeature(feature)].encodings[encoding];
  }

  const SlotIds& Slot(absl::string_view feature, int encoding = 0) {
    return batch_.slots[Encoding(feature, encoding).slot];
  }

  // The dense inputs of an encoding, row by row.
  std::vector<float> Dense(absl::string_view feature, int encoding = 0) {
    const EncodingSpec& spec = Encoding(feature, encoding);
    std::vector<float> inputs;
    for (int64_t row = 0; row < batch_.rows; ++row) {
      const auto begin = batch_.dense.begin() + row * spec_->dense_width() + spec.dense_offset;
      inputs.insert(inputs.end(), begin, begin + spec.dense_width);
    }
    return inputs;
  }

  RunningStatistics& StatisticsOf(absl::string_view feature, int encoding = 0) {
    return statistics_.entries[Encoding(feature, encoding).statistics];
  }

  std::shared_ptr<const ModelSpec> spec_ = ShopSpec();
  HashKey key_;
  FeatureEncoder encoder_{spec_, key_};
  FeatureStatistics statistics_{spec_->statistics_count()};
  EncodedBatch batch_;
};

TEST_F(EncoderTest, AHashedIntegerIsItsOwnId) {
  Encode(TableBuilder().Ints("item", {5, -1}));

  EXPECT_THAT(Slot("item").ids, ElementsAre(5, ~uint64_t{0}));
}

TEST_F(EncoderTest, AHashedStringIsItsKeyedHash) {
  Encode(TableBuilder().Strings("brand", {"acme", ""}));

  EXPECT_THAT(Slot("brand").ids, ElementsAre(key_.Hash("acme"), key_.Hash("")));
}

TEST_F(EncoderTest, APersonalIdIsTakenAsItCame) {
  Encode(TableBuilder().Ints("user", {PersonalId(key_, "ann")}));

  EXPECT_THAT(Slot("user").ids, ElementsAre(key_.Hash("ann")));
}

TEST_F(EncoderTest, VocabularyCountsListedValuesFromOneAndOthersAreZero) {
  Encode(TableBuilder().Strings("kind", {"hat", "sock", "shoe"}).Ints("colour", {-1, 8, 7}));

  EXPECT_THAT(Slot("kind").ids, ElementsAre(2, 0, 1));
  EXPECT_THAT(Slot("colour").ids, ElementsAre(2, 0, 1));
}

TEST_F(EncoderTest, OneHotMarksTheListedValueAlone) {
  Encode(TableBuilder().Strings("kind", {"hat", "sock", "bag"}).Ints("colour", {-1, 8, 7}));

  EXPECT_THAT(Dense("kind", 1), ElementsAre(0, 1, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_THAT(Dense("colour", 1), ElementsAre(0, 1, 0, 0, 1, 0));
}

TEST_F(EncoderTest, ABucketBeginsAtItsBoundary) {
  Encode(TableBuilder().Ints("age", {17, 18, 64, 65}).Floats("price", {10.4f, 10.5f, 0, 99}));

  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Slot("price", 2).ids, ElementsAre(0, 1, 0, 1));
}

TEST_F(EncoderTest, StandardScalingSubtractsTheMeanAndDividesByTheDeviation) {
  Observe(TableBuilder().Floats("price", {1, 3}));

  Encode(TableBuilder().Floats("price", {4}));

  EXPECT_THAT(Dense("price"), ElementsAre(2, 0));
}

TEST_F(EncoderTest, StandardScalingCutsAtEight) {
  Observe(TableBuilder().Floats("price", {1, 3}));

  Encode(TableBuilder().Floats("price", {1e9f, -1e9f}));

  EXPECT_THAT(Dense("price"), ElementsAre(8, 0, -8, 0));
}

TEST_F(EncoderTest, StandardScalingIsZeroBeforeTwoDifferentValues) {
  Encode(TableBuilder().Floats("price", {4}));
  Observe(TableBuilder().Floats("price", {5, 5}));
  Encode(TableBuilder().Floats("price", {4}));

  EXPECT_THAT(Dense("price"), ElementsAre(0, 0, 0, 0));
}

TEST_F(EncoderTest, MinMaxScalingSpansZeroToOne) {
  Observe(TableBuilder().Ints("age", {20, 60}));

  Encode(TableBuilder().Ints("age", {30, 10, 99}));

  EXPECT_THAT(Dense("age"), ElementsAre(0.25, 0, 0, 0, 1, 0));
}

TEST_F(EncoderTest, MinMaxScalingIsZeroBeforeTwoDifferentValues) {
  Observe(TableBuilder().Ints("age", {20}));

  Encode(TableBuilder().Ints("age", {30}));

  EXPECT_THAT(Dense("age"), ElementsAre(0, 0));
}

TEST_F(EncoderTest, Log1pComesFirstAndTakesNegativeValuesAsZero) {
  Encode(TableBuilder().Floats("price", {3, -5}));

  EXPECT_THAT(Dense("price", 1), ElementsAre(FloatEq(std::log(4.0f)), 0, 0, 0));
}

TEST_F(EncoderTest, AnUnscaledNumberIsCutOffBeforeItDrownsAllOthers) {
  Encode(TableBuilder().Floats("quality", {9e18f, -9e18f}));

  EXPECT_THAT(Dense("quality"), ElementsAre(1e6f, -1e6f));
}

TEST_F(EncoderTest, ARequiredNumberHasNoMissingIndicator) {
  Encode(TableBuilder().Floats("quality", {0.5f, -2}));

  EXPECT_THAT(Dense("quality"), ElementsAre(0.5f, -2));
}

TEST_F(EncoderTest, AMissingValueHasTheMissingIdInEveryEmbedding) {
  Encode(TableBuilder()
             .Ints("item", {5, 0}, {1})
             .Strings("brand", {"", "acme"}, {0})
             .Strings("kind", {"hat", "hat"}, {0})
             .Ints("age", {20, 20}, {1}));

  EXPECT_THAT(Slot("item").ids, ElementsAre(5, kMissingId));
  EXPECT_THAT(Slot("brand").ids, ElementsAre(kMissingId, key_.Hash("acme")));
  EXPECT_THAT(Slot("kind").ids, ElementsAre(kMissingId, 2));
  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(1, kMissingId));
}

TEST_F(EncoderTest, AMissingNumberIsZeroAndMarked) {
  Observe(TableBuilder().Floats("price", {1, 3}));

  Encode(TableBuilder().Floats("price", {4, kNan}, {1}));

  EXPECT_THAT(Dense("price"), ElementsAre(2, 0, 0, 1));
}

TEST_F(EncoderTest, AMissingOneHotIsAllZeros) {
  Encode(TableBuilder().Strings("kind", {"hat"}, {0}));

  EXPECT_THAT(Dense("kind", 1), ElementsAre(0, 0, 0));
}

TEST_F(EncoderTest, AnAbsentColumnIsMissingInEveryRow) {
  Encode(TableBuilder().Ints("item", {5, 6}));

  EXPECT_THAT(Slot("brand").ids, ElementsAre(kMissingId, kMissingId));
  EXPECT_THAT(Dense("price"), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(Slot("recent").ids, IsEmpty());
  EXPECT_THAT(Slot("recent").lengths, ElementsAre(0, 0));
}

TEST_F(EncoderTest, AFeatureThatIsNotOfTheSceneIsMissing) {
  Encode(TableBuilder().Ints("item", {5}).Strings("brand", {"acme"}), kSearchScene);

  EXPECT_THAT(Slot("item").ids, ElementsAre(5));
  EXPECT_THAT(Slot("brand").ids, ElementsAre(kMissingId));
}

TEST_F(EncoderTest, ASequenceKeepsItsLastValues) {
  Encode(TableBuilder().IntLists("recent", {{1, 2, 3, 4, 5}, {}, {6}}));

  EXPECT_THAT(Slot("recent").ids, ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(Slot("recent").lengths, ElementsAre(3, 0, 1));
}

TEST_F(EncoderTest, AMissingSequenceHasNoIdsWhateverItHolds) {
  Encode(TableBuilder().IntLists("recent", {{1}, {8, 9}, {2}}, {1}));

  EXPECT_THAT(Slot("recent").ids, ElementsAre(1, 2));
  EXPECT_THAT(Slot("recent").lengths, ElementsAre(1, 0, 1));
}

TEST_F(EncoderTest, ASequenceOfStringsUsesItsVocabulary) {
  Encode(TableBuilder().StringLists("words", {{"blue", "dress"}, {"red"}}));

  EXPECT_THAT(Slot("words").ids, ElementsAre(2, 0, 1));
  EXPECT_THAT(Slot("words").lengths, ElementsAre(2, 1));
}

TEST_F(EncoderTest, ASequenceThatIsEmptyInEveryRowNeedsNoType) {
  Encode(TableBuilder().IntLists("words", {{}, {}}));

  EXPECT_THAT(Slot("words").lengths, ElementsAre(0, 0));
}

TEST_F(EncoderTest, ASliceEncodesItsRowsAlone) {
  TableBuilder builder;
  builder.IntLists("recent", {{1, 2}, {3}, {4, 5, 6, 7}, {8}}, {1}).Floats("price", {1, 2, 3, 4}, {2});
  const TableView table = builder.View();

  encoder_.AppendRows(statistics_, kFeedScene, table, 1, 3, batch_);

  EXPECT_EQ(batch_.rows, 2);
  EXPECT_THAT(Slot("recent").ids, ElementsAre(5, 6, 7));
  EXPECT_THAT(Slot("recent").lengths, ElementsAre(0, 3));
  EXPECT_THAT(Dense("price", 1), ElementsAre(FloatEq(std::log(3.0f)), 0, 0, 1));
}

TEST_F(EncoderTest, RowsOfSeveralScenesShareABatch) {
  Encode(TableBuilder().Ints("item", {5, 6}), kFeedScene);
  Encode(TableBuilder().Ints("item", {7}), kSearchScene);

  EXPECT_EQ(batch_.rows, 3);
  EXPECT_THAT(batch_.scenes, ElementsAre(kFeedScene, kFeedScene, kSearchScene));
  EXPECT_THAT(Slot("item").ids, ElementsAre(5, 6, 7));
  EXPECT_EQ(batch_.dense.size(), 3u * spec_->dense_width());
}

TEST_F(EncoderTest, AClearedBatchStartsAnew) {
  Encode(TableBuilder().IntLists("recent", {{1}, {2}}).Strings("kind", {"hat", "hat"}));

  batch_.Clear();
  Encode(TableBuilder().IntLists("recent", {{3}}));

  EXPECT_EQ(batch_.rows, 1);
  EXPECT_THAT(Slot("recent").ids, ElementsAre(3));
  EXPECT_THAT(Dense("kind", 1), Each(0));
}

TEST_F(EncoderTest, ARequestRepeatsItsContextForEachCandidate) {
  const TableBuilder context = TableBuilder().IntLists("recent", {{1, 2}}).Ints("age", {20});
  const TableBuilder candidates = TableBuilder().Ints("item", {5, 6, 7});

  encoder_.AppendRequest(statistics_, kFeedScene, context.View(), candidates.View(), batch_);

  EXPECT_EQ(batch_.rows, 3);
  EXPECT_THAT(Slot("recent").ids, ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_THAT(Slot("recent").lengths, ElementsAre(2, 2, 2));
  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(1, 1, 1));
  EXPECT_THAT(Slot("item").ids, ElementsAre(5, 6, 7));
}

TEST_F(EncoderTest, ARequestInPartsHasItsContextOnceAndLeavesTheOthersSlotsAlone) {
  const TableBuilder context = TableBuilder().IntLists("recent", {{1, 2}}).Ints("age", {20});
  const TableBuilder candidates = TableBuilder().Ints("item", {5, 6, 7});
  EncodedBatch of_candidates;

  encoder_.AppendRequestParts(statistics_, kFeedScene, context.View(), candidates.View(), batch_, of_candidates);

  EXPECT_EQ(batch_.rows, 1);
  EXPECT_THAT(Slot("recent").ids, ElementsAre(1, 2));
  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(1));
  EXPECT_THAT(Slot("item").ids, IsEmpty());
  EXPECT_THAT(Dense("kind", 1), Each(0));
  EXPECT_EQ(of_candidates.rows, 3);
  std::swap(batch_, of_candidates);
  EXPECT_THAT(Slot("item").ids, ElementsAre(5, 6, 7));
  EXPECT_THAT(Slot("recent").ids, IsEmpty());
  EXPECT_THAT(Dense("age"), Each(0));
}

TEST_F(EncoderTest, ARequestWithoutContextColumnsHasAMissingContext) {
  const TableBuilder candidates = TableBuilder().Ints("item", {5, 6});

  encoder_.AppendRequest(statistics_, kFeedScene, TableView(), candidates.View(), batch_);

  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(kMissingId, kMissingId));
  EXPECT_THAT(Dense("age"), ElementsAre(0, 1, 0, 1));
}

TEST_F(EncoderTest, WithoutCandidateFeaturesARequestIsItsContextRows) {
  const TableBuilder context = TableBuilder().Ints("age", {20, 40});

  encoder_.AppendRequest(statistics_, kBehaviourScene, context.View(), TableView(), batch_);

  EXPECT_EQ(batch_.rows, 2);
  EXPECT_THAT(Slot("age", 1).ids, ElementsAre(1, 2));
}

TEST_F(EncoderTest, ObserveSeesValuesAndNotMissingOnes) {
  Observe(TableBuilder().Floats("price", {1, kNan, 5}, {1}));

  EXPECT_EQ(StatisticsOf("price").count, 2);
  EXPECT_DOUBLE_EQ(StatisticsOf("price").mean, 3);
}

TEST_F(EncoderTest, ObserveSkipsFeaturesThatAreNotOfTheScene) {
  Observe(TableBuilder().Ints("age", {20}), kSearchScene);

  EXPECT_EQ(StatisticsOf("age").count, 0);
}

TEST_F(EncoderTest, StatisticsAreTheSameToTheBitHoweverRowsAreSplit) {
  TableBuilder builder;
  std::vector<float> prices;
  for (int i = 0; i < 100; ++i) prices.push_back(std::exp(std::sin(1.7f * i)));
  builder.Floats("price", prices, {3, 4, 50, 99});
  const TableView table = builder.View();
  FeatureStatistics split(spec_->statistics_count());

  encoder_.Observe(kFeedScene, table, 0, 100, statistics_);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 4}, {4, 5}, {5, 51}, {51, 100}}) {
    encoder_.Observe(kFeedScene, table, begin, end, split);
  }

  EXPECT_EQ(split.Serialize(), statistics_.Serialize());
}

}  // namespace
}  // namespace polyscene
