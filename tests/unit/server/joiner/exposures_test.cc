// Exposures, negatives by default, and what comes after them.
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class ExposuresTest : public JoinerTest {};

TEST_F(ExposuresTest, OnlyExposedRowsTakeLabelsAndTheirPositionsAreLogged) {
  Remember("r", 4);
  EXPECT_EQ(Expose("r", {3, 1}, {1, 2}).accepted_rows, 2);
  const Appended appended = Send({{"r", 0, "click", 1}, {"r", 1, "click", 1}, {"r", 3, "click", 0}});
  EXPECT_THAT(Refused(appended), ElementsAre(Pair(0, "not_exposed")));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 1, "click=1"}, LoggedRow{"r", 3, "click=0"}));
  EXPECT_THAT(Records()[0].joined().positions(), ElementsAre(2, 1));
}

TEST_F(ExposuresTest, SeveralExposuresAddUpAndAPositionThatIsKnownStays) {
  Remember("r", 6);
  Expose("r", {4, 2});
  Expose("r", {5, 2, 0}, {9, 7, 8});
  Expose("r", {2}, {1});
  for (const uint32_t row : {0, 2, 4, 5}) Send({{"r", row, "click", 1}});
  EXPECT_THAT(Refused(Send({{"r", 1, "click", 1}})), ElementsAre(Pair(0, "not_exposed")));
  std::vector<uint32_t> positions;
  for (const v1::LogRecord& record : Records()) positions.push_back(record.joined().positions(0));
  EXPECT_THAT(positions, ElementsAre(8, 7, 0, 9));
}

TEST_F(ExposuresTest, BadRowsOfAnExposureAreRefusedOneByOne) {
  Remember("r", 2);
  EXPECT_THAT(Refused(Expose("r", {0, 2, 1, 7})), ElementsAre(Pair(1, "no_such_row"), Pair(3, "no_such_row")));
  EXPECT_TRUE(Send({{"r", 0, "click", 1}, {"r", 1, "click", 1}}).refused.empty());
}

TEST_F(ExposuresTest, WithoutAnyNothingIsAssumed) {
  Remember("r", 2);
  clock_.Advance(absl::Seconds(1001));
  Sweep();
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_EQ(Holdings().requests, 0);
}

TEST_F(ExposuresTest, ExposedRowsWithoutALabelBecomeNegativesOfThatTaskAlone) {
  Remember("r", 4);
  Expose("r", {0, 1, 3});
  Send({{"r", 1, "click", 1}, {"r", 3, "buy", 1}});
  EXPECT_THAT(NewRows(), SizeIs(2));
  clock_.Advance(absl::Seconds(10));
  Sweep();
  EXPECT_THAT(NewRows(), IsEmpty());
  clock_.Advance(absl::Microseconds(1));
  Sweep();
  EXPECT_THAT(NewRows(), ElementsAre(LoggedRow{"r", 0, "click=0"}, LoggedRow{"r", 3, "click=0"}));
  EXPECT_EQ(Records().back().producer_id(), "");
  EXPECT_EQ(Counts().assumed_negatives, 2);
  clock_.Advance(absl::Seconds(2000));
  Sweep();
  EXPECT_THAT(NewRows(), IsEmpty()) << "assumed once";
}

TEST_F(ExposuresTest, APositiveAfterAnAssumedNegativeIsACorrection) {
  Remember("r", 2);
  Expose("r", {0});
  clock_.Advance(absl::Seconds(11));
  Sweep();
  clock_.Advance(absl::Seconds(50));
  v1::LabelBatch click = Batch({{"r", 0, "click", 1}});
  click.add_weights(2);
  Send("p", click);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"}, LoggedRow{"r", 0, "click=0", -1, true},
                                  LoggedRow{"r", 0, "click=1", 2, true}));
}

TEST_F(ExposuresTest, ANegativeThatComesAfterItWasAssumedIsARepeat) {
  Remember("r", 2);
  Expose("r", {0});
  clock_.Advance(absl::Seconds(11));
  Sweep();
  EXPECT_EQ(Send({{"r", 0, "click", 0}}).accepted_rows, 1);
  EXPECT_THAT(Rows(), SizeIs(1));
  EXPECT_EQ(Counts().repeated_labels, 1);
}

TEST_F(ExposuresTest, AnExposureThatComesLateIsAssumedAtOnce) {
  Remember("r", 2);
  clock_.Advance(absl::Seconds(30));
  Sweep();
  Expose("r", {1});
  Sweep();
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 1, "click=0"}));
}

TEST_F(ExposuresTest, AnExposureBeyondEveryWindowIsLate) {
  Remember("r", 2);
  clock_.Advance(absl::Seconds(1001));
  EXPECT_THAT(Refused(Expose("r", {0})), ElementsAre(Pair(0, "late")));
}

class ExposedPositionsTest : public JoinerTest {
 protected:
  ExposedPositionsTest()
      : JoinerTest(JoinerModel("place side: CANDIDATE type: INT64 training_only { exposed_position: true } "
                               "encode { hash { embedding { dimension: 4 } } }")) {}

  // The values of `place`, 0 where it is missing; empty without the column.
  std::vector<int64_t> Places(const v1::LogRecord& record) const {
    for (const v1::Column& column : record.events().columns()) {
      if (column.name() != "place") continue;
      std::vector<int64_t> places(column.ints().begin(), column.ints().end());
      EXPECT_EQ(places.size(), record.events().rows());
      for (const uint32_t row : column.missing_rows()) EXPECT_EQ(places[row], 0);
      return places;
    }
    return {};
  }
};

TEST_F(ExposedPositionsTest, BecomeTheValueOfTheFeatureThatAsksForThem) {
  Remember("r", 4);
  Remember("without", 2);
  Expose("r", {3, 1}, {1, 7});
  Send({{"without", 0, "click", 0}, {"r", 1, "click", 1}, {"without", 1, "click", 0}, {"r", 3, "click", 0}});
  ASSERT_THAT(Records(), SizeIs(1));
  EXPECT_THAT(Places(Records()[0]), ElementsAre(0, 7, 0, 1));
}

TEST_F(ExposedPositionsTest, WhereNoneIsKnownThereIsNoColumn) {
  Remember("r", 2);
  Send({{"r", 1, "click", 1}});
  EXPECT_THAT(Places(Records()[0]), IsEmpty());
}

TEST_F(ExposedPositionsTest, WhatARequestNamesIsNotOne) {
  v1::RememberedRequest request = Request(1);
  v1::Column* place = request.mutable_candidates()->Add();
  place->set_name("place");
  place->add_ints(9);
  ASSERT_TRUE(TryRemember("r", request).ok());
  Expose("r", {0}, {2});
  Send({{"r", 0, "click", 1}});
  EXPECT_THAT(Places(Records()[0]), ElementsAre(2));
}

}  // namespace
}  // namespace polyscene
