// PredictStream: many requests on one stream, each answered by itself.
#include <map>
#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class PredictStreamTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  v1::PredictStreamRequest Good(uint64_t id, int64_t first_item = 10) const {
    v1::PredictStreamRequest request;
    request.set_id(id);
    *request.mutable_request() = GoodPredict();
    request.mutable_request()->mutable_candidates(0)->set_ints(0, first_item);
    return request;
  }
};

TEST_F(PredictStreamTest, AnswersWhatPredictAnswers) {
  Learn("p", {GoodBatch(1, {1, 2, 3, 4})});
  std::vector<v1::PredictStreamRequest> requests;
  for (uint64_t id = 0; id < 50; ++id) {
    v1::PredictStreamRequest& request = requests.emplace_back(Good(id, static_cast<int64_t>(7 * id)));
    request.mutable_request()->set_request_id("r" + std::to_string(id));
    if (id % 2 == 1) request.mutable_request()->add_tasks("spend");
    if (id % 5 == 4) {
      *request.mutable_request() = Parse<v1::PredictRequest>(
          R"(scene: "churn" context { name: "user" strings: "ann" } context { name: "visits" floats: 3 })");
    }
  }
  PredictStreamClient stream(*prediction_);
  for (const v1::PredictStreamRequest& request : requests) stream.Send(request);
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(requests.size());
  EXPECT_TRUE(stream.Finish().ok());

  for (const v1::PredictStreamRequest& request : requests) {
    v1::PredictResponse expected;
    ASSERT_TRUE(Predict(request.request(), &expected).ok());
    v1::PredictResponse answer = answers.at(request.id()).response();
    EXPECT_GT(answer.model().version(), 0);
    EXPECT_GE(answer.model().weight_age_seconds(), 0);
    EXPECT_EQ(answer.model().rows_learned(), 4);
    expected.mutable_model()->set_weight_age_seconds(answer.model().weight_age_seconds());  // Told a moment later.
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::ApproximatelyEquals(answer, expected))
        << answer.DebugString() << expected.DebugString();
  }
}

TEST_F(PredictStreamTest, ARefusedRequestLeavesTheStreamOpen) {
  PredictStreamClient stream(*prediction_);
  v1::PredictStreamRequest unknown = Good(1);
  unknown.mutable_request()->set_scene("serach");
  v1::PredictStreamRequest no_rows = Good(2);
  no_rows.mutable_request()->clear_candidates();
  v1::PredictStreamRequest empty;
  empty.set_id(3);
  for (const auto& request : {unknown, no_rows, empty, Good(4)}) stream.Send(request);
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(4);
  EXPECT_TRUE(stream.Finish().ok());
  for (const uint64_t id : {1, 2, 3}) {
    EXPECT_EQ(answers.at(id).error().code(), grpc::StatusCode::INVALID_ARGUMENT) << id;
  }
  EXPECT_THAT(answers.at(1).error().message(), HasSubstr("scene: got 'serach'"));
  EXPECT_THAT(answers.at(3).error().message(), HasSubstr("request: got none"));
  EXPECT_THAT(answers.at(4).response().ranking(), SizeIs(3));
}

TEST_F(PredictStreamTest, HundredsInFlightGoodAndBadAreEachAnsweredOnce) {
  PredictStreamClient stream(*prediction_);
  constexpr uint64_t kRequests = 400;
  for (uint64_t id = 0; id < kRequests; ++id) {
    v1::PredictStreamRequest request = Good(id, static_cast<int64_t>(id));
    if (id % 3 == 1) request.mutable_request()->add_tasks("no such task");
    stream.SendLater(std::move(request));
  }
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(kRequests);
  EXPECT_TRUE(stream.Finish().ok());
  for (uint64_t id = 0; id < kRequests; ++id) EXPECT_EQ(answers.at(id).has_error(), id % 3 == 1) << id;
  const std::string metrics = MetricsText();
  EXPECT_THAT(metrics, HasSubstr("polyscene_predict_total{code=\"OK\",scene=\"shop\"} 267\n"));
  EXPECT_THAT(metrics, HasSubstr("polyscene_predict_total{code=\"INVALID_ARGUMENT\",scene=\"shop\"} 133\n"));
  EXPECT_THAT(metrics, HasSubstr("polyscene_predict_rows_total{scene=\"shop\"} 801\n"));
  EXPECT_THAT(metrics, HasSubstr("polyscene_predict_seconds_count{scene=\"shop\"} 400\n"));
}

TEST_F(PredictStreamTest, AnIdIsFreeOnceItIsAnswered) {
  PredictStreamClient stream(*prediction_);
  for (int round = 0; round < 100; ++round) {
    stream.Send(Good(7));
    ASSERT_TRUE(stream.Read(1).at(7).has_response()) << round;
  }
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(PredictStreamTest, AStreamWithoutARequestEndsWell) {
  PredictStreamClient stream(*prediction_);
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(PredictStreamTest, AMessageThatCannotBeDecodedEndsTheStreamAfterTheAnswersBeforeIt) {
  RawStream stream(channel_, "/polyscene.v1.PredictionService/PredictStream");
  stream.Send(Good(5).SerializeAsString());
  stream.Send("\xff\xff not a message");
  const grpc::Status status = stream.End();
  EXPECT_EQ(stream.answers(), 1);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("cannot be decoded, expected a polyscene.v1.PredictStreamRequest"));
}

TEST_F(PredictStreamTest, ALargeTimeoutAndTheStreamsOwnDeadlineDoNotRefuse) {
  PredictStreamClient stream(*prediction_);
  v1::PredictStreamRequest request = Good(1);
  request.set_timeout_milliseconds(~uint32_t{0});
  stream.Send(request);
  EXPECT_TRUE(stream.Read(1).at(1).has_response());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(PredictStreamTest, ManyStreamsAtOnce) {
  std::vector<std::unique_ptr<PredictStreamClient>> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(std::make_unique<PredictStreamClient>(*prediction_));
  for (uint64_t id = 0; id < 20; ++id) {
    for (const auto& stream : streams) stream->SendLater(Good(id));
  }
  for (const auto& stream : streams) {
    EXPECT_THAT(stream->Read(20), SizeIs(20));
    EXPECT_TRUE(stream->Finish().ok());
  }
}

}  // namespace
}  // namespace polyscene
