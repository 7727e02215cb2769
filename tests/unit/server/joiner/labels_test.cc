// Which labels are learned, and as what.
#include "absl/strings/str_cat.h"
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class LabelsTest : public JoinerTest {};

TEST_F(LabelsTest, ALabelIsLearnedWithTheFeaturesAndScoresOfItsRow) {
  Remember("r", 3);
  const Appended appended = Send({{"r", 2, "click", 1}});
  EXPECT_EQ(appended.accepted_rows, 1);
  EXPECT_EQ(appended.end_offset, 1);
  ASSERT_THAT(Records(), SizeIs(1));
  const v1::LogRecord record = Records()[0];
  EXPECT_EQ(record.producer_id(), "p");
  EXPECT_EQ(record.events().sequence(), 1);
  EXPECT_EQ(record.events().scene(), "shop");
  EXPECT_THAT(record.events().columns(0).ints(), ElementsAre(7));
  EXPECT_THAT(record.events().columns(1).ints(), ElementsAre(102));
  EXPECT_THAT(record.events().event_times_micros(), ElementsAre(absl::ToUnixMicros(clock_.Now())));
  EXPECT_EQ(record.joined().served(0).task(), "click");
  EXPECT_THAT(record.joined().served(0).values(), ElementsAre(2.25f));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 2, "click=1"}));
}

TEST_F(LabelsTest, TasksComeAtDifferentTimesEachAsARowOfItsOwn) {
  Remember("r", 1);
  Send({{"r", 0, "spend", 2.5}});
  clock_.Advance(absl::Seconds(50));
  Send({{"r", 0, "click", 1}});
  Send({{"r", 0, "buy", 0}});
  EXPECT_THAT(Rows(),
              ElementsAre(LoggedRow{"r", 0, "spend=2.5"}, LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 0, "buy=0"}));
  EXPECT_EQ(Counts().joined_rows, 3);
}

TEST_F(LabelsTest, SeveralTasksOfOneRowOfABatchAreOneRow) {
  Remember("r", 1);
  v1::LabelBatch batch = Batch({{"r", 0, "click", 1}});
  for (const auto& [task, values] :
       std::vector<std::pair<std::string, std::vector<float>>>{{"demand", {3, 4}}, {"buy", {0}}}) {
    v1::Labels* labels = batch.add_labels();
    labels->set_task(task);
    labels->mutable_values()->Add(values.begin(), values.end());
  }
  batch.add_weights(0.5);
  Send("p", batch);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1 buy=0 demand=3,4", 0.5}));
}

TEST_F(LabelsTest, RowsOfManyRequestsAndScenesBecomeARecordAScene) {
  Remember("a", 2);
  v1::RememberedRequest churn;
  churn.set_format_version(1);
  churn.set_scene("churn");
  churn.set_rows(2);
  churn.set_event_time_micros(absl::ToUnixMicros(clock_.Now()));
  v1::Column* visits = churn.add_context();
  visits->set_name("visits");
  visits->add_floats(1);
  visits->add_floats(2);
  ASSERT_TRUE(TryRemember("c", churn).ok());
  v1::RememberedRequest priced = Request(1);
  v1::Column* price = priced.add_candidates();
  price->set_name("price");
  price->add_floats(9.5);
  ASSERT_TRUE(TryRemember("b", priced).ok());

  const Appended appended =
      Send({{"a", 1, "buy", 1}, {"c", 1, "buy", 0}, {"b", 0, "buy", 1}, {"a", 0, "click", 1}, {"c", 0, "buy", 1}});
  EXPECT_EQ(appended.end_offset, 5);
  ASSERT_THAT(Records(), SizeIs(2));
  const v1::EventBatch shop = Records()[0].events();
  const v1::EventBatch behaviour = Records()[1].events();
  EXPECT_THAT(shop.columns(1).ints(), ElementsAre(101, 100, 100));
  EXPECT_EQ(shop.columns(2).name(), "price");
  EXPECT_THAT(shop.columns(2).floats(), ElementsAre(0, 9.5, 0));
  EXPECT_THAT(shop.columns(2).missing_rows(), ElementsAre(0, 2));
  EXPECT_THAT(behaviour.columns(0).floats(), ElementsAre(2, 1));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"a", 1, "buy=1"}, LoggedRow{"b", 0, "buy=1"}, LoggedRow{"a", 0, "click=1"},
                                  LoggedRow{"c", 1, "buy=0"}, LoggedRow{"c", 0, "buy=1"}));
  EXPECT_EQ(log_->WatermarkOf("p", 4, 0).learned(), 0) << "the mark stands behind the last record";
  EXPECT_EQ(log_->WatermarkOf("p", 5, 0).learned(), 1);
}

TEST_F(LabelsTest, TheSameLabelAgainChangesNothingAndCountsAsAccepted) {
  Remember("r", 2);
  Send({{"r", 0, "click", 1}});
  EXPECT_EQ(Send("q", Batch({{"r", 0, "click", 1}})).accepted_rows, 1);
  EXPECT_EQ(Send({{"r", 1, "click", 1}, {"r", 1, "click", 1}}).accepted_rows, 2);
  EXPECT_THAT(Rows(), SizeIs(2));
  EXPECT_EQ(Counts().repeated_labels, 2);
  EXPECT_EQ(log_->WatermarkOf("q", 0, 0).logged(), 1);
}

TEST_F(LabelsTest, ARepeatedBatchHasTheEffectOfOne) {
  Remember("r", 1);
  v1::LabelBatch batch = Batch({{"r", 0, "click", 1}});
  batch.set_sequence(1);
  Send("p", batch);
  const Appended again = Send("p", batch);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.end_offset, 1);
  EXPECT_THAT(Rows(), SizeIs(1));
  EXPECT_EQ(Counts().repeated_labels, 0);
}

TEST_F(LabelsTest, ARefundTakesTheLabelBackAndLearnsTheOneThatHolds) {
  Remember("r", 1);
  v1::LabelBatch bought = Batch({{"r", 0, "buy", 1}});
  bought.add_weights(2);
  Send("p", bought);
  v1::LabelBatch refunded = Batch({{"r", 0, "buy", 0}});
  refunded.add_weights(3);
  EXPECT_EQ(Send("p", refunded).accepted_rows, 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "buy=1", 2}, LoggedRow{"r", 0, "buy=1", -2, true},
                                  LoggedRow{"r", 0, "buy=0", 3, true}));
  Send({{"r", 0, "buy", 0}});
  Send({{"r", 0, "buy", 1}});
  EXPECT_THAT(Rows(3), ElementsAre(LoggedRow{"r", 0, "buy=0", -3, true}, LoggedRow{"r", 0, "buy=1", 1, true}));
  EXPECT_EQ(Counts().corrected_labels, 2);
}

TEST_F(LabelsTest, AForecastIsCorrectedWhole) {
  Remember("r", 1);
  const auto demand = [](float a, float b) {
    v1::LabelBatch batch = Batch({{"r", 0, "demand", a}});
    batch.mutable_labels(0)->add_values(b);
    return batch;
  };
  Send("p", demand(1, 2));
  Send("p", demand(1, 2));
  Send("p", demand(1, 3));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "demand=1,2"}, LoggedRow{"r", 0, "demand=1,2", -1, true},
                                  LoggedRow{"r", 0, "demand=1,3", 1, true}));
}

TEST_F(LabelsTest, RowsThatCannotBeJoinedAreRefusedOneByOne) {
  Remember("r", 2);
  v1::RememberedRequest churn = Request(1);
  churn.set_scene("churn");
  churn.clear_candidates();
  churn.clear_served();
  ASSERT_TRUE(TryRemember("c", churn).ok());
  const Appended appended =
      Send({{"r", 2, "click", 1}, {"r", 1, "click", 1}, {"c", 0, "click", 1}, {"c", 0, "buy", 1}});
  EXPECT_THAT(Refused(appended), ElementsAre(Pair(0, "no_such_row"), Pair(2, "unknown_task")));
  EXPECT_THAT(appended.refused[0].message, HasSubstr("got 2, expected one below 2"));
  EXPECT_EQ(appended.accepted_rows, 2);
  EXPECT_THAT(Rows(), SizeIs(2));
  EXPECT_THAT(metrics_->Text(),
              HasSubstr("polyscene_events_rejected_total{reason=\"no_such_row\",scene=\"shop\"} 1\n"));
}

TEST_F(LabelsTest, EachTaskHasItsOwnWindow) {
  Remember("r", 1);
  clock_.Advance(absl::Seconds(100));
  Send({{"r", 0, "click", 1}});
  clock_.Advance(absl::Seconds(1));
  const Appended late = Send({{"r", 0, "click", 0}});
  EXPECT_THAT(Refused(late), ElementsAre(Pair(0, "late")));
  EXPECT_THAT(late.refused[0].message, HasSubstr("label of task 'click' came 1m41s after request 'r'"));
  v1::LabelBatch both = Batch({{"r", 0, "click", 0}});
  v1::Labels* buy = both.add_labels();
  buy->set_task("buy");
  buy->add_values(1);
  const Appended half = Send("p", both);
  EXPECT_THAT(Refused(half), ElementsAre(Pair(0, "late")));
  EXPECT_THAT(half.refused[0].message, HasSubstr("the row's other labels count"));
  EXPECT_EQ(half.accepted_rows, 0);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 0, "buy=1"}));
}

TEST_F(LabelsTest, AReplayThatBeginsBehindAnotherOneKeepsItsRequests) {
  Remember("a", 1, 50'000);
  Send("p", Batch({{"a", 0, "buy", 1.0f}}, {50'900}));  // As far as time has come.
  Remember("b", 1, 100);
  Sweep();
  EXPECT_THAT(Refused(Send("q", Batch({{"b", 0, "buy", 0.0f}}, {150}))), IsEmpty());
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"a", 0, "buy=1"}, LoggedRow{"b", 0, "buy=0"}));
}

TEST_F(LabelsTest, TheFirstRequestOfAnIdIsKept) {
  Remember("r", 1);
  ASSERT_TRUE(TryRemember("r", Request(5)).ok());
  EXPECT_THAT(Refused(Send({{"r", 3, "click", 1}})), ElementsAre(Pair(0, "no_such_row")));
  EXPECT_EQ(Holdings().requests, 1);
}

TEST_F(LabelsTest, ABatchThatGivesNoRowsStillMovesTheWatermark) {
  Remember("r", 1);
  Send({{"r", 9, "click", 1}});
  v1::LabelBatch empty;
  empty.set_sequence(2);
  Send("p", empty);
  EXPECT_EQ(log_->WatermarkOf("p", 0, 0).learned(), 2);
  EXPECT_EQ(log_->end_offset(), 0);
}

TEST_F(LabelsTest, SequencesOfLabelsAndEventsAreOne) {
  Remember("r", 1);
  Send({{"r", 0, "click", 1}});
  v1::LabelBatch skipping = Batch({{"r", 0, "buy", 1}});
  skipping.set_sequence(3);
  EXPECT_EQ(TrySend("p", skipping).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Rows(), SizeIs(1));
}

}  // namespace
}  // namespace polyscene
