// The calls that watch and steer: WatchStatus, PauseLearning, ResumeLearning, health.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "client/lib/client.h"
#include "gmock/gmock.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::client {
namespace {

// Answers a WatchStatus `answers` times, then ends it with `end`, or never where there is none.
class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status WatchStatus(grpc::ServerContext* context, const v1::WatchStatusRequest* request,
                           grpc::ServerWriter<v1::GetStatusResponse>* writer) override {
    v1::GetStatusResponse response;
    response.set_device(request->evaluation_of());
    response.set_uptime_seconds(request->interval_seconds());
    for (int i = 0; i < answers; ++i) {
      response.set_step(i);
      writer->Write(response);
    }
    if (end.has_value()) return *end;
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }
  grpc::Status PauseLearning(grpc::ServerContext*, const v1::PauseLearningRequest*,
                             v1::PauseLearningResponse* response) override {
    if (calls++ == 0) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the trainer has not started yet");
    response->set_learned_offset(17);
    return grpc::Status::OK;
  }
  grpc::Status ResumeLearning(grpc::ServerContext*, const v1::ResumeLearningRequest*,
                              v1::ResumeLearningResponse* response) override {
    response->set_learned_offset(18);
    return grpc::Status::OK;
  }

  int answers = 2;
  std::optional<grpc::Status> end;
  std::atomic<int> calls{0};
};

class WatchTest : public ::testing::Test {
 protected:
  Client MakeClient() { return Client({.server = server_.address(), .backoff = {.initial = absl::Milliseconds(2)}}); }
  FakeModelService service_;
  TestServer server_{{&service_}};
};

TEST_F(WatchTest, EachAnswerComesAsItIsAndTheStreamsEndIsTold) {
  service_.end = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such evaluation");
  Client client = MakeClient();
  const auto watch = client.WatchStatus("nightly", absl::Milliseconds(250));
  for (uint64_t step = 0; step < 2; ++step) {
    const auto status = watch->Next();
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->step(), step);
    EXPECT_EQ(status->device(), "nightly");
    EXPECT_EQ(status->uptime_seconds(), 0.25);
  }
  EXPECT_EQ(watch->Next().status(), absl::NotFoundError("no such evaluation"));
  EXPECT_EQ(watch->Next().status(), absl::NotFoundError("no such evaluation"));
}

TEST_F(WatchTest, AStreamThatEndsInOrderIsUnavailable) {
  service_.answers = 0;
  service_.end = grpc::Status::OK;
  Client client = MakeClient();
  EXPECT_EQ(client.WatchStatus("", absl::Seconds(1))->Next().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(WatchTest, CancelFromAnotherThreadEndsTheWait) {
  Client client = MakeClient();
  const auto watch = client.WatchStatus("", absl::Hours(1));
  ASSERT_TRUE(watch->Next().ok());
  ASSERT_TRUE(watch->Next().ok());
  std::thread canceller([&] { watch->Cancel(); });
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(WatchTest, AWatchThatIsDroppedEndsItsCall) {
  Client client = MakeClient();
  const auto watch = client.WatchStatus("", absl::Hours(1));
  EXPECT_TRUE(watch->Next().ok());  // The destructor returns although the server would go on.
}

TEST_F(WatchTest, PausingAndResumingTellWhereLearningStands) {
  Client client = MakeClient();
  const auto paused = client.PauseLearning();
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_EQ(paused->learned_offset(), 17u);
  EXPECT_EQ(service_.calls, 2);
  const auto resumed = client.ResumeLearning();
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->learned_offset(), 18u);
}

// Against gRPC's own health service.
TEST(HealthTest, TheServersOwnWordIsReturned) {
  grpc::EnableDefaultHealthCheckService(true);
  int port = 0;
  FakeModelService service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  grpc::EnableDefaultHealthCheckService(false);
  server->GetHealthCheckService()->SetServingStatus("up", true);
  server->GetHealthCheckService()->SetServingStatus("down", false);

  Client client({.server = absl::StrCat("127.0.0.1:", port)});
  EXPECT_EQ(client.Health("up").value(), ServingStatus::kServing);
  EXPECT_EQ(client.Health("down").value(), ServingStatus::kNotServing);
  EXPECT_EQ(client.Health().value(), ServingStatus::kServing);
  EXPECT_EQ(client.Health("unheard_of").status().code(), absl::StatusCode::kNotFound);
  server->Shutdown();
  EXPECT_EQ(client.Health("up").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace polyscene::client
