// The event stream's protocol, whatever the model.
#include <ostream>
#include <string>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class StreamTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  // How a stream of one message (none: just the half-close) ends.
  grpc::Status EndOf(const std::string& first, const std::string& second = "") {
    EventStreamClient stream(*training_);
    if (!first.empty()) stream.Send(Parse<v1::StreamEventsRequest>(first));
    if (!second.empty()) stream.Send(Parse<v1::StreamEventsRequest>(second));
    return first.empty() ? stream.Finish() : stream.End();
  }
};

TEST_F(StreamTest, AcknowledgesEachBatchOnceItIsLogged) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1, 2, 3}));
  const v1::StreamEventsResponse first = stream.Acknowledgement();
  EXPECT_EQ(first.accepted_sequence(), 1);
  EXPECT_EQ(first.accepted_rows(), 3);
  EXPECT_EQ(first.watermark().logged(), 1);
  stream.Send(GoodBatch(2, {4}));
  EXPECT_EQ(stream.Acknowledgement().accepted_sequence(), 2);

  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(WatermarkOf("p").logged(), 2);
  EXPECT_EQ(GetStatus().events_accepted(), 4);
}

TEST_F(StreamTest, ManyBatchesInFlightAreAcknowledgedInOrder) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  constexpr uint64_t kBatches = 200;
  for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) stream.Send(GoodBatch(sequence, {1, 2}));
  for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
    ASSERT_EQ(stream.Acknowledgement().accepted_sequence(), sequence);
  }
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(GetStatus().events_accepted(), 2 * kBatches);
}

TEST_F(StreamTest, WaitUntilLearnedEndsWhenTheServedWeightsLearnedEverything) {
  const uint64_t version = server_->version();
  Learn("p", {GoodBatch(1, {1, 2, 3}), GoodBatch(2, {4, 5, 6, 7}), GoodBatch(3, {8})});

  const v1::Watermark watermark = WatermarkOf("p");
  EXPECT_EQ(watermark.logged(), 3);
  EXPECT_EQ(watermark.learned(), 3);
  EXPECT_EQ(watermark.served(), 3);
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.events_learned(), 8);
  EXPECT_EQ(status.model().rows_learned(), 8);
  EXPECT_GT(status.model().version(), version);
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(GoodPredict(), &response).ok());
  EXPECT_EQ(response.model().rows_learned(), 8);
}

TEST_F(StreamTest, WaitUntilLearnedWithoutABatchWaitsForWhatTheProducerSentBefore) {
  EventStreamClient before(*training_);
  before.Open("p");
  before.Send(GoodBatch(1, {1, 2}));
  ASSERT_TRUE(before.Finish().ok());
  Learn("p", {});
  EXPECT_EQ(WatermarkOf("p").served(), 1);
}

TEST_F(StreamTest, ProgressIsToldWithoutBeingAskedFor) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1, 2}));
  stream.ReadUntilServed(1);
  EXPECT_EQ(stream.watermark().learned(), 1);
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(StreamTest, ARepeatIsAcknowledgedAndNotLoggedAgain) {
  Learn("p", {GoodBatch(1, {1, 2}), GoodBatch(2, {3})});
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(2, {3}));
  stream.Send(GoodBatch(3, {4}));
  EXPECT_EQ(stream.Acknowledgement().accepted_sequence(), 2);
  EXPECT_EQ(stream.Acknowledgement().accepted_sequence(), 3);
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(GetStatus().events_accepted(), 4);
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_events_accepted_total{scene=\"shop\"} 4\n"));
}

TEST_F(StreamTest, ASkippedSequenceEndsTheStreamAfterWhatCameBeforeIsAcknowledged) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1}));
  stream.Send(GoodBatch(3, {2}));
  EXPECT_EQ(stream.Acknowledgement().accepted_sequence(), 1);
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("3"));
  EXPECT_EQ(WatermarkOf("p").logged(), 1);
}

TEST_F(StreamTest, ProducersCountOnTheirOwn) {
  Learn("a", {GoodBatch(1, {1}), GoodBatch(2, {2})});
  Learn("b", {GoodBatch(1, {3})});
  EXPECT_EQ(WatermarkOf("a").logged(), 2);
  EXPECT_EQ(WatermarkOf("b").logged(), 1);
  EXPECT_EQ(WatermarkOf("c").logged(), 0);
}

TEST_F(StreamTest, TheFirstMessageMustOpenTheStream) {
  for (const char* first : {"", "batch { sequence: 1 }"}) {
    const grpc::Status status = EndOf(first);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("`open`"));
  }
}

TEST_F(StreamTest, EveryLaterMessageMustBeABatch) {
  for (const char* second : {R"(open { producer_id: "p" })"}) {
    const grpc::Status status = EndOf(R"(open { producer_id: "p" })", second);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("expected `batch`"));
  }
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(v1::StreamEventsRequest());
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// Where gRPC decodes, such a message looks like a half-close, and the producer would take its stream for complete.
TEST_F(StreamTest, AMessageThatCannotBeDecodedEndsTheStreamAfterWhatCameBeforeIsAcknowledged) {
  v1::StreamEventsRequest open;
  open.mutable_open()->set_producer_id("p");
  v1::StreamEventsRequest batch;
  *batch.mutable_batch() = GoodBatch(1, {1, 2});
  RawStream stream(channel_, "/polyscene.v1.TrainingService/StreamEvents");
  for (const std::string& message :
       {open.SerializeAsString(), batch.SerializeAsString(), std::string("\xff\xff not a message")}) {
    stream.Send(message);
  }
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("cannot be decoded, expected a polyscene.v1.StreamEventsRequest"));
  EXPECT_EQ(WatermarkOf("p").logged(), 1);
}

TEST_F(StreamTest, AProducerIdHasOneToSixtyFourBytes) {
  for (const std::string& producer : {std::string(), std::string(65, 'p')}) {
    EventStreamClient stream(*training_);
    stream.Open(producer);
    const grpc::Status status = stream.End();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("producer_id"));
    v1::GetWatermarkRequest request;
    request.set_producer_id(producer);
    v1::Watermark watermark;
    EXPECT_EQ(training_->GetWatermark(Context().get(), request, &watermark).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(StreamTest, SequencesBeginAtOne) {
  const grpc::Status status = EndOf(R"(open { producer_id: "p" })", R"(batch { scene: "shop" rows: 1 })");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("sequence: got 0"));
}

TEST_F(StreamTest, AClientThatVanishesLosesNothingItWasToldIsLogged) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1, 2}));
  stream.Acknowledgement();
  stream.Cancel();
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::CANCELLED);

  Learn("p", {GoodBatch(1, {1, 2}), GoodBatch(2, {3})});
  EXPECT_EQ(GetStatus().events_learned(), 3);
}

TEST_F(StreamTest, ARestartContinuesWhereTheProducerStood) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  const uint64_t version = GetStatus().model().version();
  StopServer();
  StartServer();

  EXPECT_EQ(WatermarkOf("p").logged(), 1);
  EXPECT_EQ(WatermarkOf("p").served(), 1);
  EXPECT_EQ(GetStatus().events_learned(), 3);
  EXPECT_GT(GetStatus().model().version(), version);
  Learn("p", {GoodBatch(1, {1, 2, 3}), GoodBatch(2, {4})});
  EXPECT_EQ(GetStatus().events_accepted(), 4);
  EXPECT_EQ(GetStatus().events_learned(), 4);
}

TEST_F(StreamTest, AStreamStillOpenWhenTheServerStopsIsTold) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1}));
  stream.Acknowledgement();
  server_->Stop();
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("watermark"));
}

TEST_F(StreamTest, AnOpenedEvaluationIsFoundUnderItsProducer) {
  EventStreamClient stream(*training_);
  stream.Send(
      Parse<v1::StreamEventsRequest>(R"(open { producer_id: "p" evaluate_from_micros: 0 wait_until_learned: true })"));
  stream.Send(GoodBatch(1, {1, 2, 3, 4}));
  ASSERT_TRUE(stream.Finish().ok());

  const v1::GetStatusResponse status = GetStatus("p");
  ASSERT_GT(status.evaluation_size(), 0);
  EXPECT_EQ(status.evaluation(0).rows(), 4);
  EXPECT_EQ(status.log_end_offset(), 5);  // Four rows, and the opening.

  v1::GetStatusRequest request;
  request.set_evaluation_of("somebody");
  v1::GetStatusResponse response;
  const grpc::Status unknown = model_->GetStatus(Context().get(), request, &response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("'somebody'"));
}

// ---- bad rows: refused with their reason, beside good ones that count
// ----------------------------------------------------

struct BadRows {
  const char* name;
  const char* batch;  // Of two rows.
  std::vector<uint32_t> rows;
  const char* reason;
  std::vector<const char*> message;
};

void PrintTo(const BadRows& bad, std::ostream* out) { *out << bad.name; }

class BadRowsTest : public StreamTest, public ::testing::WithParamInterface<BadRows> {};

TEST_P(BadRowsTest, AreRefusedAndTheOthersCount) {
  EventStreamClient stream(*training_);
  stream.Open("p", /*wait_until_learned=*/true);
  v1::EventBatch batch = Parse<v1::EventBatch>(GetParam().batch);
  batch.set_sequence(1);
  stream.Send(batch);
  const v1::StreamEventsResponse response = stream.Acknowledgement();
  const std::vector<uint32_t>& rows = GetParam().rows;
  ASSERT_EQ(response.rejected_size(), static_cast<int>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    const v1::RejectedRow& rejected = response.rejected(static_cast<int>(i));
    EXPECT_EQ(rejected.sequence(), 1);
    EXPECT_EQ(rejected.row(), rows[i]);
    EXPECT_EQ(rejected.reason(), GetParam().reason);
    for (const char* part : GetParam().message) EXPECT_THAT(rejected.message(), HasSubstr(part));
  }
  EXPECT_EQ(response.accepted_rows(), batch.rows() - rows.size());
  EXPECT_EQ(response.watermark().logged(), 1);  // The batch is dealt with, bad rows and all.

  stream.Send(GoodBatch(2, {7}));
  EXPECT_EQ(stream.Acknowledgement().accepted_rows(), 1);
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(GetStatus().events_learned(), batch.rows() - rows.size() + 1);
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, BadRowsTest,
    ::testing::Values(
        BadRows{"NotANumber",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
                   columns { name: "price" floats: 1 floats: nan })",
                {1},
                "not_finite",
                {"'price'", "nan", "finite"}},
        BadRows{"Infinity",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
                   columns { name: "price" floats: -inf floats: 1 })",
                {0},
                "not_finite",
                {"'price'", "-inf", "finite"}},
        BadRows{"MissingRequiredValue",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 missing_rows: 0 })",
                {0},
                "missing_value",
                {"'item'", "required"}},
        BadRows{"LabelOutOfRange",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
                   labels { task: "click" values: 2 values: 1 })",
                {0},
                "out_of_range",
                {"'click'", "got 2", "0 or 1"}},
        BadRows{"LabelNotANumber",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
                   labels { task: "spend" values: 2 values: nan })",
                {1},
                "not_finite",
                {"'spend'", "nan", "finite"}},
        BadRows{"WeightBelowZero",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 } weights: 1 weights: -1)",
                {1},
                "out_of_range",
                {"weight", "got -1", "from 0 to 10000"}},
        BadRows{"UnknownScene",
                R"(scene: "serach" rows: 2 columns { name: "item" ints: 1 ints: 2 })",
                {0, 1},
                "unknown_scene",
                {"'serach'", "'shop'"}},
        BadRows{"UnknownFeature",
                R"(scene: "shop" rows: 2 columns { name: "itme" ints: 1 ints: 2 })",
                {0, 1},
                "unknown_feature",
                {"'itme'", "'item'"}},
        BadRows{"UnknownTask",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 }
                   labels { task: "clikc" values: 0 values: 1 })",
                {0, 1},
                "unknown_task",
                {"'clikc'", "'click'"}},
        BadRows{"MissingRequiredColumn",
                R"(scene: "shop" rows: 2 columns { name: "price" floats: 1 floats: 2 })",
                {0, 1},
                "missing_value",
                {"'item'", "required"}},
        BadRows{"WrongType",
                R"(scene: "shop" rows: 2 columns { name: "item" floats: 1 floats: 2 })",
                {0, 1},
                "wrong_type",
                {"'item'", "got FLOAT", "expected INT64"}},
        BadRows{"TwoKindsOfValues",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 floats: 1 floats: 2 })",
                {0, 1},
                "wrong_type",
                {"'item'", "2 ints", "2 floats"}},
        BadRows{"RaggedColumn",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 })",
                {0, 1},
                "ragged",
                {"'item'", "got 1", "expected 2"}},
        BadRows{"RaggedLabels",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 } labels { task: "click" values: 1 })",
                {0, 1},
                "ragged",
                {"'click'", "got 1", "expected 2"}},
        BadRows{"RaggedEventTimes",
                R"(scene: "shop" rows: 2 columns { name: "item" ints: 1 ints: 2 } event_times_micros: 5)",
                {0, 1},
                "ragged",
                {"event times", "got 1", "expected 2"}}),
    [](const auto& info) { return info.param.name; });

TEST_F(StreamTest, ABatchOfTooManyRowsOrNoneIsRefusedAsAWhole) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  v1::EventBatch huge = GoodBatch(1, {1});
  huge.set_rows(4'000'000'000);
  stream.Send(huge);
  const v1::StreamEventsResponse too_many = stream.Acknowledgement();
  ASSERT_THAT(too_many.rejected(), SizeIs(1));
  EXPECT_EQ(too_many.rejected(0).reason(), "too_many_rows");
  EXPECT_EQ(too_many.accepted_rows(), 0);
  v1::EventBatch empty;
  empty.set_sequence(2);
  empty.set_scene("shop");
  stream.Send(empty);
  const v1::StreamEventsResponse none = stream.Acknowledgement();
  ASSERT_THAT(none.rejected(), SizeIs(1));
  EXPECT_EQ(none.rejected(0).reason(), "no_rows");
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(StreamTest, RejectedRowsAreCountedByReason) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  v1::EventBatch batch = GoodBatch(1, {1, 2, 3});
  batch.mutable_labels(0)->set_values(1, 9);
  stream.Send(batch);
  ASSERT_TRUE(stream.Finish().ok());
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_events_rejected_total{reason=\"out_of_range\",scene=\"shop\"} 1\n"));
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_events_accepted_total{scene=\"shop\"} 2\n"));
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_log_end_offset 2\n"));
}

TEST_F(StreamTest, AnOversizedBatchIsRefusedAndTheServerLives) {
  StopServer();
  settings().config.set_max_message_bytes(2000);
  StartServer();
  EventStreamClient stream(*training_);
  stream.Open("p");
  v1::EventBatch batch = GoodBatch(1, {1});
  batch.mutable_columns(0)->set_strings(0, std::string(5000, 'x'));
  stream.Send(batch);
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  Learn("p", {GoodBatch(1, {1})});
}

}  // namespace
}  // namespace polyscene
