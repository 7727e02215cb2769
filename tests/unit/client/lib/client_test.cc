#include "client/lib/client.h"

#include <atomic>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::client {
namespace {

using ::testing::HasSubstr;

// Answers GetStatus with `code` the first `failures` times.
class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override {
    if (calls++ < failures) return grpc::Status(code, "the test refuses");
    response->set_device(request->evaluation_of());
    return grpc::Status::OK;
  }

  grpc::StatusCode code = grpc::StatusCode::UNAVAILABLE;
  int failures = 0;
  std::atomic<int> calls{0};
};

class ClientTest : public ::testing::Test {
 protected:
  Client MakeClient() {
    ClientOptions options;
    options.server = server_.address();
    options.timeout = timeout_;
    options.backoff.initial = absl::Milliseconds(2);
    return Client(options);
  }

  FakeModelService service_;
  absl::Duration timeout_ = absl::Seconds(30);
  TestServer server_{{&service_}};
};

TEST_F(ClientTest, AnAnswerComesBackAsItIs) {
  const auto status = MakeClient().GetStatus("nightly");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->device(), "nightly");
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ClientTest, AServerThatIsNotReadyOrFullIsTriedAgain) {
  for (const grpc::StatusCode code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    service_.code = code;
    service_.failures = 3;
    service_.calls = 0;
    EXPECT_TRUE(MakeClient().GetStatus().ok());
    EXPECT_EQ(service_.calls, 4);
  }
}

TEST_F(ClientTest, AnyOtherErrorIsReturnedAtOnce) {
  service_.failures = 1000;
  for (const grpc::StatusCode code : {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
                                      grpc::StatusCode::INTERNAL, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    service_.code = code;
    service_.calls = 0;
    const auto status = MakeClient().GetStatus();
    EXPECT_EQ(static_cast<int>(status.status().code()), static_cast<int>(code));
    EXPECT_EQ(status.status().message(), "the test refuses");
    EXPECT_EQ(service_.calls, 1);
  }
}

TEST_F(ClientTest, TriesEndWithTheTimeoutAndTheLastErrorIsReturned) {
  service_.failures = 1000;
  timeout_ = absl::Milliseconds(500);

  const auto status = MakeClient().GetStatus();

  EXPECT_EQ(status.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.status().message()), HasSubstr("the test refuses (gave up after"));
  EXPECT_THAT(std::string(status.status().message()), HasSubstr(server_.address()));
  EXPECT_GT(service_.calls, 1);
}

TEST_F(ClientTest, WhatTheServerDoesNotKnowIsUnimplemented) {
  EXPECT_EQ(MakeClient().GetModel().status().code(), absl::StatusCode::kUnimplemented);
}

TEST(BackoffTest, DelaysGrowWithinTheirRangesUpToTheMaximum) {
  Backoff backoff({.initial = absl::Milliseconds(100), .maximum = absl::Milliseconds(400), .growth = 2});
  for (const int upper : {100, 200, 400, 400}) {
    const absl::Duration delay = backoff.Next();
    EXPECT_GE(delay, absl::Milliseconds(upper) / 2);
    EXPECT_LE(delay, absl::Milliseconds(upper));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(100));
}

}  // namespace
}  // namespace polyscene::client
