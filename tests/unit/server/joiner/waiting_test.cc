// Labels and exposures that come before their request.
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class WaitingTest : public JoinerTest {};

TEST_F(WaitingTest, LabelsThatComeFirstAreJoinedWhenTheRequestComes) {
  EXPECT_EQ(Send({{"r", 1, "click", 1}, {"r", 0, "buy", 0}}).accepted_rows, 2);
  EXPECT_EQ(Holdings().waiting_rows, 2);
  EXPECT_THAT(Rows(), IsEmpty());
  Remember("r", 2);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 1, "click=1"}, LoggedRow{"r", 0, "buy=0"}));
  EXPECT_EQ(Records()[0].producer_id(), "p");
  EXPECT_EQ(Records()[0].events().sequence(), 0);
  EXPECT_EQ(Holdings().waiting_rows, 0);
  EXPECT_EQ(log_->WatermarkOf("p", 0, 0).learned(), 1) << "its batch was done when it began to wait";
}

TEST_F(WaitingTest, WhatWaitsIsAppliedInTheOrderItCame) {
  Send("p", Batch({{"r", 0, "click", 1}}));
  Send("q", Batch({{"r", 0, "click", 1}}));
  Expose("r", {1}, {4});
  Send("q", Batch({{"r", 0, "buy", 1}, {"r", 1, "buy", 1}}));
  Send("p", Batch({{"r", 9, "buy", 1}}));
  Remember("r", 2);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 1, "buy=1"}));
  EXPECT_EQ(Records()[0].producer_id(), "p");
  EXPECT_EQ(Records()[1].producer_id(), "q");
  EXPECT_EQ(Counts().repeated_labels, 1);
  const std::string metrics = metrics_->Text();
  EXPECT_THAT(metrics, HasSubstr("polyscene_events_rejected_total{reason=\"not_exposed\",scene=\"shop\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("polyscene_events_rejected_total{reason=\"no_such_row\",scene=\"shop\"} 1\n"));
}

TEST_F(WaitingTest, ExposedRowsWhoseRequestCameLaterBecomeNegatives) {
  Expose("r", {0, 1});
  Remember("r", 2);
  clock_.Advance(absl::Seconds(11));
  Sweep();
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"}, LoggedRow{"r", 1, "click=0"}));
}

TEST_F(WaitingTest, EachWaitsItsOwnTime) {
  Send({{"r", 0, "click", 1}});
  clock_.Advance(absl::Seconds(40));
  Send({{"r", 0, "buy", 1}, {"r", 1, "buy", 1}});
  clock_.Advance(absl::Seconds(21));
  Sweep();
  EXPECT_EQ(Counts().expired_rows, 1);
  Remember("r", 2);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "buy=1"}, LoggedRow{"r", 1, "buy=1"}));
  clock_.Advance(absl::Seconds(60));
  Sweep();
  EXPECT_EQ(Counts().expired_rows, 1);
}

TEST_F(WaitingTest, WhatWaitsForARequestThatWasForgottenWaitsItsOwnTime) {
  label_wait_ = absl::Seconds(1500);
  Open();
  Send({{"r", 0, "click", 1}});
  Remember("r", 1);
  clock_.Advance(absl::Seconds(1001));  // Its windows close; the label that was joined would have waited 499 s more.
  Sweep();
  ASSERT_EQ(Holdings().requests, 0);
  Send({{"r", 0, "buy", 1}});
  clock_.Advance(absl::Seconds(1500));
  Sweep();
  EXPECT_EQ(Counts().expired_rows, 0);
  clock_.Advance(absl::Microseconds(1));
  Sweep();
  EXPECT_EQ(Counts().expired_rows, 1);
}

TEST_F(WaitingTest, WhatBeganToWaitWithAShorterWaitGoesFirst) {
  Send({{"r", 0, "click", 1}});
  label_wait_ = absl::Seconds(20);
  Open();
  Send({{"r", 0, "buy", 1}});
  clock_.Advance(absl::Seconds(21));
  Sweep();
  EXPECT_EQ(Counts().expired_rows, 1);
  Remember("r", 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}));
}

TEST_F(WaitingTest, TooMuchForOneRequestIsRefused) {
  std::vector<Label> labels;
  for (uint32_t row = 0; row < 10000; ++row) labels.emplace_back("r", row, "spend", 1.5f);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const Appended appended = Send(labels);
    if (appended.refused.empty()) continue;
    ++refused;
    EXPECT_THAT(Refused(appended), SizeIs(10000));
    EXPECT_EQ(appended.refused[0].reason, "too_many_rows");
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20);
  EXPECT_EQ(Holdings().waiting_rows, (20 - refused) * 10000);
}

TEST_F(WaitingTest, LabelsOfALiveRequestWaitOverARestart) {
  Send({{"r", 0, "click", 1}});
  Open();
  EXPECT_EQ(Holdings().waiting_rows, 1);
  Remember("r", 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}));
}

}  // namespace
}  // namespace polyscene
