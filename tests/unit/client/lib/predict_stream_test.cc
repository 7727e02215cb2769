#include "client/lib/predict_stream.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/lib/fake_prediction_service.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::PredictRequest Request(const std::string& id) {
  v1::PredictRequest request;
  request.set_request_id(id);
  return request;
}

class PredictStreamTest : public ::testing::Test {
 protected:
  PredictStreamTest() {
    options_.server = server_.address();
    options_.timeout = absl::Seconds(60);
    options_.backoff = {.initial = absl::Milliseconds(2), .maximum = absl::Milliseconds(50)};
  }

  FakePredictionService service_;
  TestServer server_{{&service_}};
  PredictStreamOptions options_;
};

TEST_F(PredictStreamTest, AnswersAreMatchedByIdInWhateverOrderTheyCome) {
  std::vector<v1::PredictStreamRequest> held;
  service_.script = [&](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    held.push_back(request);
    if (held.size() < 3) return true;
    std::reverse(held.begin(), held.end());
    for (const v1::PredictStreamRequest& one : held) FakePredictionService::Answer(one, stream);
    return true;
  };
  PredictStream stream(options_);
  std::promise<std::vector<std::string>> all;
  std::vector<std::string> answers;  // Answers share one thread.
  for (const char* const id : {"a", "b", "c"}) {
    stream.PredictAsync(Request(id), [&, id](PredictStream::Answer answer) {
      answers.push_back(absl::StrCat(id, "=", answer.ok() ? answer->request_id() : answer.status().ToString()));
      if (answers.size() == 3) all.set_value(answers);
    });
  }
  EXPECT_THAT(all.get_future().get(), ElementsAre("c=c", "b=b", "a=a"));
  EXPECT_EQ(stream.in_flight(), 0);
  EXPECT_EQ(stream.connections(), 1);
}

TEST_F(PredictStreamTest, WhatMayHaveBeenAnsweredIsNotSentAgainWhereThatIsNotWanted) {
  options_.send_again = false;
  service_.script = [](int stream, const v1::PredictStreamRequest& request, FakePredictionService::Stream& to) {
    return stream == 1 ? false : FakePredictionService::Answer(request, to);
  };
  PredictStream stream(options_);
  EXPECT_EQ(stream.Predict(Request("a")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(stream.Predict(Request("b")).ok()) << "the next one waits for the next connection";
}

TEST_F(PredictStreamTest, ManyThreadsShareOneStream) {
  PredictStream stream(options_);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const std::string id = absl::StrCat(thread, "/", i);
        const PredictStream::Answer answer = stream.Predict(Request(id));
        if (answer.ok() && answer->request_id() == id) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 1600);
  EXPECT_EQ(service_.streams, 1);
}

TEST_F(PredictStreamTest, AnAnswerMaySendTheNextRequest) {
  PredictStream stream(options_);
  std::promise<void> done;
  int left = 100;
  PredictStream::Done next = [&](PredictStream::Answer answer) {
    if (!answer.ok() || --left == 0) return done.set_value();
    stream.PredictAsync(Request("next"), next);
  };
  stream.PredictAsync(Request("first"), next);
  done.get_future().wait();
  EXPECT_EQ(left, 0);
}

TEST_F(PredictStreamTest, ARequestThatTheServerCannotTakeIsTriedAgainAndTheOthersGoOn) {
  int refusals = 0;
  service_.script = [&](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    if (request.request().request_id() == "unlucky" && refusals < 4) {
      const int code = refusals++ % 2 == 0 ? 8 : 14;
      return FakePredictionService::Refuse(request, stream, code, "the queue is full");
    }
    return FakePredictionService::Answer(request, stream);
  };
  PredictStream stream(options_);
  EXPECT_TRUE(stream.Predict(Request("unlucky")).ok());
  EXPECT_TRUE(stream.Predict(Request("other")).ok());
  EXPECT_EQ(refusals, 4);
  EXPECT_EQ(service_.streams, 1);
}

TEST_F(PredictStreamTest, AnyOtherErrorIsReturnedAtOnceAndTheStreamStays) {
  int calls = 0;
  service_.script = [&](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    ++calls;
    return FakePredictionService::Refuse(request, stream, calls == 1 ? 3 : calls == 2 ? 0 : 77, "unknown scene");
  };
  PredictStream stream(options_);
  EXPECT_EQ(stream.Predict(Request("a")).status(), absl::InvalidArgumentError("unknown scene"));
  EXPECT_EQ(stream.Predict(Request("b")).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(stream.Predict(Request("c")).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(service_.streams, 1);
}

TEST_F(PredictStreamTest, WhatWasInFlightWhenTheStreamBrokeIsSentAgain) {
  service_.script = [](int number, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    if (number <= 2 && request.request().request_id() == "3") return false;
    return number <= 2 ? true : FakePredictionService::Answer(request, stream);
  };
  PredictStream stream(options_);
  std::atomic<int> right{0};
  std::promise<void> done;
  for (const char* const id : {"1", "2", "3"}) {
    stream.PredictAsync(Request(id), [&, id](PredictStream::Answer answer) {
      if (answer.ok() && answer->request_id() == id && ++right == 3) done.set_value();
    });
  }
  done.get_future().wait();
  EXPECT_EQ(service_.streams, 3);
  EXPECT_EQ(stream.connections(), 3);
}

TEST_F(PredictStreamTest, AServerThatEndsTheStreamInOrderIsAskedAgain) {
  service_.end = grpc::Status::OK;
  service_.script = [](int number, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    return number == 1 ? false : FakePredictionService::Answer(request, stream);
  };
  PredictStream stream(options_);
  EXPECT_TRUE(stream.Predict(Request("a")).ok());
}

TEST_F(PredictStreamTest, AStreamRefusedForGoodFailsItsRequestsAtOnceAndTheNextOneIsANewTry) {
  service_.end = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no token");
  service_.script = [](int number, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    return number == 1 ? false : FakePredictionService::Answer(request, stream);
  };
  PredictStream stream(options_);
  EXPECT_EQ(stream.Predict(Request("a")).status(), absl::UnauthenticatedError("no token"));
  EXPECT_TRUE(stream.Predict(Request("b")).ok());
}

TEST_F(PredictStreamTest, AServerThatGoesAwayAndComesBackIsFoundAgain) {
  PredictStream stream(options_);
  EXPECT_TRUE(stream.Predict(Request("before")).ok());
  server_.Stop();
  std::promise<PredictStream::Answer> promise;
  stream.PredictAsync(Request("meanwhile"),
                      [&](PredictStream::Answer answer) { promise.set_value(std::move(answer)); });
  const auto gave_up = stream.Predict(Request("impatient"), absl::Milliseconds(500));
  EXPECT_EQ(gave_up.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gave_up.status().message()), HasSubstr(options_.server));

  TestServer back({&service_}, server_.port());
  const PredictStream::Answer answer = promise.get_future().get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->request_id(), "meanwhile");
  EXPECT_TRUE(stream.Predict(Request("after")).ok());
}

TEST_F(PredictStreamTest, EachRequestHasItsOwnDeadlineWhichTheServerIsTold) {
  std::atomic<int64_t> told{0};
  service_.script = [&](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    if (request.request().request_id() == "patient") return FakePredictionService::Answer(request, stream);
    told = request.timeout_milliseconds();
    return true;  // Never answered.
  };
  PredictStream stream(options_);
  EXPECT_TRUE(stream.Predict(Request("patient")).ok());  // Connected from here on.
  const auto late = stream.Predict(Request("hurried"), absl::Milliseconds(100));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.status().message()), HasSubstr("did not answer within 100ms"));
  EXPECT_TRUE(stream.Predict(Request("patient")).ok());
  EXPECT_GE(told, 1);
  EXPECT_LE(told, 100);
  EXPECT_EQ(service_.streams, 1);
}

TEST_F(PredictStreamTest, RefusalsEndWithTheTimeoutAndTheLastErrorIsReturned) {
  service_.script = [](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    return FakePredictionService::Refuse(request, stream, 8, "the queue is full");
  };
  PredictStream stream(options_);
  const auto answer = stream.Predict(Request("a"), absl::Milliseconds(500));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(answer.status().message()),
              AllOf(HasSubstr(options_.server), HasSubstr("the queue is full (gave up after")));
}

TEST_F(PredictStreamTest, AConnectionThatAnswersNothingIsGivenUpForANewOne) {
  options_.stall_timeout = absl::Milliseconds(50);
  service_.script = [](int number, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    return number == 1 ? true : FakePredictionService::Answer(request, stream);
  };
  PredictStream stream(options_);
  EXPECT_TRUE(stream.Predict(Request("a")).ok());
  EXPECT_GE(service_.streams, 2);
}

TEST_F(PredictStreamTest, ARequestLargerThanTheServerTakesFailsAloneAndSaysSo) {
  PredictStream stream(options_);
  v1::PredictRequest large = Request("large");
  large.set_scene(std::string(5 << 20, 'x'));  // The test's server takes gRPC's default of 4 MiB.
  const auto answer = stream.Predict(std::move(large));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("larger than server"));
  EXPECT_TRUE(stream.Predict(Request("small")).ok());
}

TEST_F(PredictStreamTest, TheDestructorEndsWhatIsInFlight) {
  std::promise<void> arrived;
  service_.script = [&](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream&) {
    if (request.request().request_id() == "second") arrived.set_value();
    return true;
  };
  std::vector<absl::Status> ended;
  {
    PredictStream stream(options_);
    for (const char* const id : {"first", "second"}) {
      stream.PredictAsync(Request(id), [&](PredictStream::Answer answer) { ended.push_back(answer.status()); });
    }
    arrived.get_future().wait();
  }
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0].code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ended[1].code(), absl::StatusCode::kCancelled);
}

TEST_F(PredictStreamTest, NoServerAtAllIsUnavailableOnceTheTimeoutIsOver) {
  server_.Stop();
  PredictStream stream(options_);
  EXPECT_EQ(stream.Predict(Request("a"), absl::Milliseconds(100)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace polyscene::client
