// A log whose budget is spent, as producers, callers and operators see it.
#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class BudgetFlowTest : public ServerFixture {
 protected:
  void SetUp() override {
    settings().config.set_log_max_bytes(1 << 20);
    settings().config.set_checkpoints_kept(1);
    StartServer();
  }
  void TearDown() override { controls_.learner.ReleaseSteps(); }

  // Sends batches of 100 rows until the stream ends; how it did. `sequence` is then the last that was acknowledged.
  grpc::Status Fill(uint64_t* sequence) {
    EventStreamClient stream(*training_);
    stream.Open("p");
    for (int batch = 0; batch < 5000; ++batch) {
      v1::StreamEventsResponse response;
      stream.Send(GoodBatch(*sequence + 1, std::vector<int64_t>(100, 7)));
      if (!stream.NextAcknowledgement(&response)) return stream.End();
      *sequence = response.accepted_sequence();
    }
    return grpc::Status::OK;
  }
};

TEST_F(BudgetFlowTest, ProducersAreRefusedWithTheReasonPredictGoesOnAndEverythingResumesByItself) {
  controls_.learner.HoldSteps();  // So nothing of it is learned, and nothing may go.
  uint64_t sequence = 0;
  const grpc::Status full = Fill(&sequence);
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(full.error_message(), HasSubstr("log_max_bytes is 1048576"));
  const uint64_t logged = WatermarkOf("p").logged();
  EXPECT_EQ(logged, sequence);

  const v1::GetStatusResponse status = GetStatus();
  EXPECT_GE(status.log_bytes(), 1 << 20);
  EXPECT_THAT(status.log_trouble(), HasSubstr("log_max_bytes"));
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_log_full 1\n"));
  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());

  controls_.learner.ReleaseSteps();
  // Checkpoints follow what is learned, and make room; a producer that tries again is taken some time.
  const absl::Time deadline = absl::Now() + absl::Seconds(50);
  while (WatermarkOf("p").logged() == logged && absl::Now() < deadline) {
    EventStreamClient stream(*training_);
    stream.Open("p");
    stream.Send(GoodBatch(logged + 1, {1, 2, 3}));
    stream.Finish();
  }
  EXPECT_EQ(WatermarkOf("p").logged(), logged + 1);
  EXPECT_EQ(GetStatus().log_trouble(), "");
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_log_full 0\n"));
}

}  // namespace
}  // namespace polyscene
