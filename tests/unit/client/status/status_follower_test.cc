#include "client/status/status_follower.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::cli {
namespace {

using ::testing::HasSubstr;

// Answers each stream once, then ends it, or holds it open.
class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status WatchStatus(grpc::ServerContext* context, const v1::WatchStatusRequest*,
                           grpc::ServerWriter<v1::GetStatusResponse>* writer) override {
    v1::GetStatusResponse response;
    response.set_step(++streams);
    if (answers) writer->Write(response);
    if (end.has_value()) return *end;
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }

  std::atomic<int> streams{0};
  bool answers = true;
  std::optional<grpc::Status> end;
};

class StatusFollowerTest : public ::testing::Test {
 protected:
  void Follow() {
    options_.server = server_.address();
    options_.backoff = {.initial = absl::Milliseconds(2), .maximum = absl::Milliseconds(20)};
    follower_ = std::make_unique<StatusFollower>(options_, [this] {
      {
        std::lock_guard<std::mutex> lock(mu_);
        came_ = true;
      }
      changed_.notify_all();
    });
  }

  // The next piece of news; looks for silence meanwhile, as a view does.
  absl::StatusOr<v1::GetStatusResponse> Next() {
    while (news_.empty()) {
      for (StatusNews& news : follower_->Take()) news_.push_back(std::move(news.answer));
      std::unique_lock<std::mutex> lock(mu_);
      if (news_.empty()) changed_.wait_for(lock, std::chrono::milliseconds(10), [&] { return came_; });
      came_ = false;
    }
    absl::StatusOr<v1::GetStatusResponse> next = std::move(news_.front());
    news_.erase(news_.begin());
    return next;
  }

  FakeModelService service_;
  TestServer server_{{&service_}};
  FollowerOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  bool came_ = false;
  std::vector<absl::StatusOr<v1::GetStatusResponse>> news_;
  std::unique_ptr<StatusFollower> follower_;
};

TEST_F(StatusFollowerTest, AServerThatGoesAwayIsToldAndFoundAgainWhenItReturns) {
  Follow();
  EXPECT_EQ(Next().value().step(), 1u);
  server_.Stop();
  EXPECT_FALSE(Next().ok());

  TestServer back({&service_}, server_.port());
  absl::StatusOr<v1::GetStatusResponse> news = Next();
  while (!news.ok()) news = Next();
  EXPECT_EQ(news->step(), 2u);
  follower_.reset();
}

TEST_F(StatusFollowerTest, EachEndOfTheStreamIsToldWithItsReason) {
  service_.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping");
  Follow();
  for (uint64_t stream = 1; stream <= 3; ++stream) {
    EXPECT_EQ(Next().value().step(), stream);
    EXPECT_EQ(Next().status(), absl::UnavailableError("the server is stopping"));
  }
}

TEST_F(StatusFollowerTest, ASilentConnectionIsGivenUpForANewOne) {
  service_.answers = false;
  options_.interval = absl::Milliseconds(100);
  options_.silence = absl::Milliseconds(50);
  Follow();
  const absl::StatusOr<v1::GetStatusResponse> news = Next();
  EXPECT_EQ(news.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(news.status().message()), HasSubstr("no answer for 150ms"));
}

TEST_F(StatusFollowerTest, ItEndsWhileItIsConnectedOrWaits) {
  Follow();
  EXPECT_TRUE(Next().ok());
  follower_.reset();  // The stream is open.
  server_.Stop();
  Follow();
  EXPECT_FALSE(Next().ok());
  follower_.reset();  // It waits to try again.
}

TEST(StatusFollowerBlackHoleTest, ItEndsWhileItConnectsToWhatNeverAnswers) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  int connection = -1;
  {
    StatusFollower follower({.server = absl::StrCat("127.0.0.1:", ntohs(address.sin_port))}, [] {});
    connection = accept(listener, nullptr, nullptr);  // Connected, and that is all that ever happens.
  }
  EXPECT_GE(connection, 0);
  close(connection);
  close(listener);
}

}  // namespace
}  // namespace polyscene::cli
