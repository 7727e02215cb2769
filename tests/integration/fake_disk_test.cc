// A data directory on a disk that breaks or is slow, as producers, callers and operators see it.
#include <thread>

#include "server/metrics/resident_memory.h"
#include "tests/integration/server_fixture.h"
#include "tests/support/failing_disk.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class DiskTest : public ServerFixture {
 protected:
  void SetUp() override {
    controls_.log_disk = disk_.env();
    StartServer();
  }
  void TearDown() override { StopServer(); }

  // What grpc.health.v1 answers: 1 SERVING, 2 NOT_SERVING.
  int Health(const std::string& service) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    const std::unique_ptr<grpc::ClientContext> context = Context();
    std::string request;
    if (!service.empty()) {
      request = std::string("\n") + static_cast<char>(service.size()) + service;
    }
    const grpc::Slice slice(request);
    const auto call =
        stub.PrepareUnaryCall(context.get(), "/grpc.health.v1.Health/Check", grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, this);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    EXPECT_TRUE(status.ok()) << status.error_message();
    grpc::Slice answer;
    return response.DumpToSingleSlice(&answer).ok() && answer.size() == 2 ? answer.begin()[1] : 0;
  }

  FailingDisk disk_;  // Outlives the server.
};

TEST_F(DiskTest, AfterAnErrorOfTheDiskTrainingIsOutPredictGoesOnAndARestartMends) {
  Learn("p", {GoodBatch(1, {1, 2})});
  disk_.Fail(FailingDisk::Failure::kIoErrorOnSync);
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(2, {3}));
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::INTERNAL);
  disk_.Fail(FailingDisk::Failure::kNone);

  EXPECT_EQ(WatermarkOf("p").logged(), 1);
  EXPECT_EQ(Health("polyscene.v1.TrainingService"), 2);
  EXPECT_EQ(Health("polyscene.v1.PredictionService"), 1);
  EXPECT_EQ(Health(""), 1);
  EXPECT_THAT(GetStatus().log_trouble(), HasSubstr("until the server is restarted"));
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_log_broken 1\n"));
  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());

  StopServer();
  StartServer();
  EXPECT_EQ(Health("polyscene.v1.TrainingService"), 1);
  Learn("p", {GoodBatch(2, {3})});
  EXPECT_EQ(GetStatus().events_learned(), 3);
}

// A sync takes 200 ms: acknowledgements wait for it, and what waits is bounded by log_max_pending_bytes.
TEST_F(DiskTest, OnASlowDiskAcknowledgementsComeLateAndNothingElseHappens) {
  StopServer();
  settings().config.set_log_max_pending_bytes(1 << 20);
  StartServer();
  disk_.SlowSyncs(absl::Milliseconds(200));
  v1::EventBatch batch = GoodBatch(1, std::vector<int64_t>(100, 5));
  for (std::string& user : *batch.mutable_columns(0)->mutable_strings()) user.assign(1000, 'u');
  const uint64_t before = ResidentMemoryBytes();
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 4; ++producer) {
    producers.emplace_back([this, producer, batch]() mutable {
      std::vector<v1::EventBatch> batches;
      for (uint64_t sequence = 1; sequence <= 60; ++sequence) {
        batch.set_sequence(sequence);
        batches.push_back(batch);
      }
      Learn("p" + std::to_string(producer), batches);
    });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(GetStatus().events_learned(), 24000);
  EXPECT_LT(ResidentMemoryBytes(), before + (uint64_t{256} << 20));
  disk_.SlowSyncs(absl::ZeroDuration());
}

}  // namespace
}  // namespace polyscene
