// What stands beside the two flows: model, status, checkpoints, health, reflection, the metrics address.
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Health answers, as grpc.health.v1 numbers them.
constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

// A field of a message: number 1 to 15, length-delimited, shorter than 128 bytes.
std::string Field(int number, const std::string& value) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(value.size())} + value;
}

class ServiceTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  // Calls a method of a service that has no generated client here.
  grpc::Status Call(const std::string& method, const std::string& request, std::string* response) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    const std::unique_ptr<grpc::ClientContext> context = Context();
    auto call = stub.PrepareCall(context.get(), method, &queue);
    void* tag;
    bool ok;
    const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
    call->StartCall(&tag);
    wait();
    call->Write(Bytes(request), &tag);
    wait();
    call->WritesDone(&tag);
    wait();
    grpc::ByteBuffer buffer;
    call->Read(&buffer, &tag);
    if (wait()) *response = Text(buffer);
    grpc::Status status;
    call->Finish(&status, &tag);
    wait();
    return status;
  }

  std::string Health(const std::string& service) {
    std::string response;
    const grpc::Status status = Call("/grpc.health.v1.Health/Check", Field(1, service), &response);
    return status.ok() ? response : status.error_message();
  }
};

TEST_F(ServiceTest, HealthIsServingOverallAndForEachService) {
  for (const char* service :
       {"", "polyscene.v1.PredictionService", "polyscene.v1.TrainingService", "polyscene.v1.ModelService"}) {
    EXPECT_EQ(Health(service), kServing) << service;
  }
}

TEST_F(ServiceTest, BeforeTheFirstSnapshotHealthIsNotServingAndEventsAreTaken) {
  StopServer();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls_));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  Connect();

  EXPECT_EQ(Health(""), kNotServing);
  EXPECT_EQ(Health("polyscene.v1.PredictionService"), kNotServing);
  EXPECT_FALSE(GetStatus().serving());
  v1::PredictResponse response;
  EXPECT_EQ(Predict(GoodPredict(), &response).error_code(), grpc::StatusCode::UNAVAILABLE);
  v1::SaveCheckpointResponse saved;
  EXPECT_EQ(model_->SaveCheckpoint(Context().get(), {}, &saved).error_code(), grpc::StatusCode::UNAVAILABLE);
  EventStreamClient stream(*training_);
  stream.Open("p", /*wait_until_learned=*/true);
  stream.Send(GoodBatch(1, {1, 2}));
  EXPECT_EQ(stream.Acknowledgement().watermark().logged(), 1);

  ASSERT_TRUE(server_->Serve().ok());
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(Health(""), kServing);
  EXPECT_EQ(GetStatus().events_learned(), 2);
}

TEST_F(ServiceTest, ReflectionListsTheServices) {
  std::string response;
  const grpc::Status status =
      Call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Field(7, "*"), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const char* service : {"polyscene.v1.PredictionService", "polyscene.v1.TrainingService",
                              "polyscene.v1.ModelService", "grpc.health.v1.Health"}) {
    EXPECT_THAT(response, HasSubstr(service));
  }
}

TEST_F(ServiceTest, TellsTheWholeModelFile) {
  v1::GetModelResponse response;
  ASSERT_TRUE(model_->GetModel(Context().get(), {}, &response).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(response.model(), settings().model->file()));
  EXPECT_EQ(response.fingerprint(), settings().model->fingerprint_hex());
  EXPECT_EQ(response.text(), settings().model->text());
}

TEST_F(ServiceTest, TellsItsStatus) {
  Learn("p", {GoodBatch(1, {1, 2, 3, 4, 5})});
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_TRUE(status.serving());
  EXPECT_EQ(status.fingerprint(), settings().model->fingerprint_hex());
  EXPECT_EQ(status.device(), "cpu");
  EXPECT_EQ(status.events_accepted(), 5);
  EXPECT_EQ(status.events_learned(), 5);
  EXPECT_EQ(status.log_end_offset(), 5);
  EXPECT_EQ(status.learned_offset(), 5);
  EXPECT_EQ(status.served_offset(), 5);
  EXPECT_GE(status.step(), 2);  // Of at most four rows each.
  EXPECT_GT(status.uptime_seconds(), 0);
  EXPECT_GT(status.memory_resident_bytes(), 1 << 20);
  EXPECT_EQ(status.trainer_error(), "");
  EXPECT_EQ(status.trainer_share(), 1);
  EXPECT_GT(status.evaluation_size(), 0);
  ASSERT_GT(status.tables_size(), 0);
}

TEST_F(ServiceTest, ACheckpointHoldsEverythingLearnedByThen) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  v1::SaveCheckpointResponse saved;
  const grpc::Status status = model_->SaveCheckpoint(Context().get(), {}, &saved);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(saved.learned_offset(), 3);
  EXPECT_EQ(saved.version(), GetStatus().model().version());
  EXPECT_THAT(saved.directory(), StartsWith(settings().data_dir));
  EXPECT_TRUE(std::filesystem::is_directory(saved.directory()));
  EXPECT_EQ(GetStatus().checkpoint_offset(), 3);
}

TEST_F(ServiceTest, TheMetricsAddressShowsMetricsHealthAndAPage) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  const std::string text = MetricsText();
  EXPECT_THAT(text, HasSubstr("polyscene_events_learned_total{scene=\"shop\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_log_end_offset 3\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_learned_offset 3\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_freshness_seconds_count 3\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_model_version " + std::to_string(server_->version()) + "\n"));
  EXPECT_THAT(text, HasSubstr("polyscene_embedding_rows{table=\"item\"}"));
  EXPECT_EQ(HttpGet("/healthz"), "serving\n");
  EXPECT_THAT(HttpGet("/"), HasSubstr(settings().model->fingerprint_hex()));
}

TEST_F(ServiceTest, SeriesAreNeverMadeFromRequests) {
  const std::string before = MetricsText();
  v1::EventBatch batch = GoodBatch(1, {1});
  batch.set_scene("invented");
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(batch);
  ASSERT_TRUE(stream.Finish().ok());
  const std::string after = MetricsText();
  EXPECT_THAT(after, Not(HasSubstr("invented")));
  EXPECT_EQ(std::count(after.begin(), after.end(), '\n'), std::count(before.begin(), before.end(), '\n'));
}

}  // namespace
}  // namespace polyscene
