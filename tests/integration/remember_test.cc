// Requests remembered at Predict, and labels and exposures that come later: over real gRPC.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/feature/encoder.h"
#include "server/codec/codec.h"
#include "server/eventlog/event_log.h"
#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class RememberTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  v1::PredictRequest ToRemember(const std::string& id, bool wait = true) const {
    v1::PredictRequest request = GoodPredict();
    request.set_request_id(id);
    request.set_remember(true);
    request.set_wait_until_remembered(wait);
    return request;
  }
  void Remember(const std::string& id) {
    v1::PredictResponse response;
    const grpc::Status status = Predict(ToRemember(id), &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(response.remembered());
  }

  // What Parse() reads of `text`, sent as one message of producer `producer` and waited for until it is served.
  v1::StreamEventsResponse Send(const std::string& producer, const std::string& text) {
    EventStreamClient stream(*training_);
    stream.Open(producer);
    v1::StreamEventsRequest request = Parse<v1::StreamEventsRequest>(text);
    const uint64_t sequence = WatermarkOf(producer).logged() + 1;
    if (request.has_labels()) request.mutable_labels()->set_sequence(sequence);
    if (request.has_exposures()) request.mutable_exposures()->set_sequence(sequence);
    stream.Send(request);
    v1::StreamEventsResponse response = stream.Acknowledgement();
    stream.ReadUntilServed(sequence);
    EXPECT_TRUE(stream.Finish().ok());
    return response;
  }

  static std::vector<std::pair<uint32_t, std::string>> Reasons(const v1::StreamEventsResponse& response) {
    std::vector<std::pair<uint32_t, std::string>> reasons;
    for (const v1::RejectedRow& row : response.rejected()) reasons.emplace_back(row.row(), row.reason());
    return reasons;
  }

  std::vector<v1::LogRecord> LogOfStoppedServer() {
    StopServer();
    EventLogOptions options;
    options.directory = settings().data_dir + "/log";
    options.model_fingerprint = settings().model->fingerprint();
    const absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<v1::LogRecord> records;
    const absl::StatusOr<std::unique_ptr<EventLog::Cursor>> cursor = (*log)->Read(0);
    for (auto entry = (*cursor)->Next(); entry.ok() && entry->has_value(); entry = (*cursor)->Next()) {
      records.push_back((*entry)->record);
    }
    return records;
  }
};

TEST_F(RememberTest, ALabelThatComesLaterIsLearnedWithWhatWasScored) {
  v1::PredictResponse scored;
  ASSERT_TRUE(Predict(ToRemember("r"), &scored).ok());
  const v1::StreamEventsResponse response = Send("p", R"(
    labels { request_ids: "r" request: 0 request: 0 row: 0 row: 1 labels { task: "click" values: 1 values: 0 } })");
  EXPECT_EQ(response.accepted_rows(), 2);
  EXPECT_EQ(response.rejected_size(), 0);
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.events_accepted(), 2);
  EXPECT_EQ(status.events_learned(), 2);
  EXPECT_EQ(status.joiner().remembered_requests(), 1);
  EXPECT_GT(status.joiner().remembered_bytes(), 0);
  EXPECT_EQ(status.joiner().joined_rows(), 2);
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_events_accepted_total{scene=\"shop\"} 2\n"));

  const std::vector<v1::LogRecord> records = LogOfStoppedServer();
  ASSERT_EQ(records.size(), 1);
  const v1::EventBatch& events = records[0].events();
  ASSERT_EQ(events.columns_size(), 4);
  // `user` is personal: what is stored is its id, the same as an event with the name itself would get.
  EXPECT_EQ(events.columns(0).name(), "user");
  const int64_t ann = PersonalId(settings().hash_key, "ann");
  EXPECT_THAT(events.columns(0).ints(), ElementsAre(ann, ann));
  EXPECT_EQ(events.columns(0).strings_size(), 0);
  EXPECT_THAT(events.columns(1).ints(), ElementsAre(10, 20));
  EXPECT_THAT(events.columns(2).floats(), ElementsAre(1, 2));
  EXPECT_THAT(events.columns(3).strings(), ElementsAre("new", "red"));
  EXPECT_THAT(events.columns(3).lengths(), ElementsAre(2, 0));
  const v1::JoinedRows& joined = records[0].joined();
  ASSERT_EQ(joined.served_size(), 2);
  for (int task = 0; task < 2; ++task) {
    EXPECT_EQ(joined.served(task).task(), scored.scores(task).task());
    EXPECT_THAT(joined.served(task).values(),
                ElementsAre(scored.scores(task).values(0), scored.scores(task).values(1)));
  }
}

TEST_F(RememberTest, NotAskedForNothingIsKept) {
  v1::PredictRequest request = GoodPredict();
  request.set_wait_until_remembered(true);
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  EXPECT_FALSE(response.remembered());
  EXPECT_EQ(GetStatus().joiner().remembered_requests(), 0);
}

TEST_F(RememberTest, WithoutAnIdOrWithATimeOutOfRangeItIsRefused) {
  v1::PredictResponse response;
  grpc::Status status = Predict(ToRemember(""), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("request_id: got none, expected 1 to 128 bytes"));
  v1::PredictRequest late = ToRemember("r");
  late.set_event_time_micros(std::numeric_limits<int64_t>::max());
  status = Predict(late, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("event_time_micros: got"));
}

TEST_F(RememberTest, WithoutWaitingALabelSentAfterTheAnswerFindsIt) {
  for (int i = 0; i < 20; ++i) {
    const std::string id = absl::StrCat("r", i);
    v1::PredictResponse response;
    ASSERT_TRUE(Predict(ToRemember(id, /*wait=*/false), &response).ok());
    EXPECT_TRUE(response.remembered());
    Send("p", absl::StrCat("labels { request_ids: '", id, "' request: 0 row: 2 labels { task: 'click' values: 1 } }"));
  }
  EXPECT_EQ(GetStatus().joiner().joined_rows(), 20);
}

TEST_F(RememberTest, RequestsOfAStreamAreRememberedToo) {
  PredictStreamClient stream(*prediction_);
  for (uint64_t id = 1; id <= 6; ++id) {
    v1::PredictStreamRequest request;
    request.set_id(id);
    *request.mutable_request() = ToRemember(absl::StrCat("r", id), /*wait=*/id % 2 == 0);
    if (id == 5) request.mutable_request()->clear_request_id();
    if (id == 6) request.mutable_request()->set_remember(false);
    stream.Send(request);
  }
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(6);
  for (uint64_t id = 1; id <= 4; ++id) EXPECT_TRUE(answers.at(id).response().remembered()) << id;
  EXPECT_EQ(answers.at(5).error().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(answers.at(6).response().remembered());
  EXPECT_TRUE(stream.Finish().ok());
  const v1::StreamEventsResponse response = Send("p", R"(
    labels { request_ids: "r1" request_ids: "r4" request: 0 request: 1 row: 0 row: 2
             labels { task: "spend" values: 3 values: 4 } })");
  EXPECT_EQ(response.accepted_rows(), 2);
  EXPECT_EQ(GetStatus().events_learned(), 2);
}

TEST_F(RememberTest, BadRowsOfLabelsAreRefusedByTheirNumbersAndTheOthersCount) {
  Remember("r");
  const v1::StreamEventsResponse response = Send("p", R"(
    labels {
      request_ids: "r" request_ids: ""
      request: 0 request: 5 request: 0 request: 1 request: 0 request: 0 row: 0 row: 0 row: 7 row: 0 row: 1 row: 2
      labels { task: "click" values: 1 values: 1 values: 1 values: 1 values: 0.5 values: 1 }
    })");
  EXPECT_THAT(Reasons(response), ElementsAre(Pair(1, "out_of_range"), Pair(2, "no_such_row"), Pair(3, "out_of_range"),
                                             Pair(4, "out_of_range")));
  EXPECT_THAT(response.rejected(0).message(), HasSubstr("request, row 1: got 5"));
  EXPECT_THAT(response.rejected(3).message(), HasSubstr("got 0.5, expected 0 or 1"));
  EXPECT_EQ(response.accepted_rows(), 2);
  EXPECT_EQ(GetStatus().events_rejected(), 4);
  EXPECT_EQ(GetStatus().events_learned(), 2);
}

TEST_F(RememberTest, ABatchOfLabelsThatCannotBeReadIsRefusedWhole) {
  const char* const batches[] = {
      R"(labels { request_ids: "r" request: 0 row: 0 labels { task: "clack" values: 1 } })",
      R"(labels { request_ids: "r" request: 0 row: 0 row: 1 labels { task: "click" values: 1 } })",
      R"(labels { request_ids: "r" request: 0 row: 0 labels { task: "click" values: 1 values: 1 } })",
      R"(labels { request_ids: "r" request: 0 row: 0 label_times_micros: 1 label_times_micros: 2 })",
      R"(labels { request_ids: "r" })",
      R"(exposures { exposures { request_id: "r" } })",
      R"(exposures { exposures { request_id: "r" rows: 1 positions: 1 positions: 2 } })",
      R"(exposures { exposures { rows: 1 } })"};
  std::vector<std::string> reasons;
  for (const char* batch : batches) {
    const v1::StreamEventsResponse response = Send("p", batch);
    EXPECT_EQ(response.accepted_rows(), 0);
    ASSERT_EQ(response.rejected_size(), 1) << batch;
    reasons.push_back(response.rejected(0).reason());
  }
  EXPECT_THAT(reasons, ElementsAre("unknown_task", "ragged", "ragged", "ragged", "no_rows", "no_rows", "ragged",
                                   "out_of_range"));
  EXPECT_EQ(WatermarkOf("p").logged(), 8);
}

TEST_F(RememberTest, ExposuresLimitWhichRowsTakeLabels) {
  Remember("r");
  EXPECT_EQ(Send("p", R"(exposures { exposures { request_id: "r" rows: 2 rows: 9 positions: 1 positions: 2 } })")
                .accepted_rows(),
            1);
  const v1::StreamEventsResponse response = Send("q", R"(
    labels { request_ids: "r" request: 0 request: 0 row: 1 row: 2 labels { task: "click" values: 1 values: 1 } })");
  EXPECT_THAT(Reasons(response), ElementsAre(Pair(0, "not_exposed")));
  EXPECT_EQ(GetStatus().events_learned(), 1);
}

TEST_F(RememberTest, LabelsMayComeFirstAndSurviveARestartAsTheRequestDoes) {
  EXPECT_EQ(
      Send("p", R"(labels { request_ids: "r" request: 0 row: 1 labels { task: "click" values: 1 } })").accepted_rows(),
      1);
  EXPECT_EQ(GetStatus().joiner().waiting_labels(), 1);
  StopServer();
  StartServer();
  EXPECT_EQ(GetStatus().joiner().waiting_labels(), 1);
  Remember("r");
  StopServer();
  StartServer();
  EXPECT_EQ(GetStatus().events_accepted(), 1);
  EXPECT_EQ(GetStatus().joiner().remembered_requests(), 1);
  Send("p", R"(labels { request_ids: "r" request: 0 row: 1 labels { task: "click" values: 0 } })");
  EXPECT_EQ(GetStatus().events_learned(), 3) << "and the two rows of its correction";
  EXPECT_EQ(GetStatus().joiner().corrected_labels(), 1);
}

TEST_F(RememberTest, BeyondItsBytesPredictGoesOnAndSaysSo) {
  StopServer();
  settings().config.set_max_remembered_bytes(1000);
  StartServer();
  int remembered = 0;
  for (int i = 0; i < 30; ++i) {
    v1::PredictResponse response;
    ASSERT_TRUE(Predict(ToRemember(absl::StrCat("r", i)), &response).ok());
    ASSERT_EQ(response.scores_size(), 2);
    remembered += response.remembered();
  }
  EXPECT_GT(remembered, 1);
  EXPECT_LT(remembered, 20);
  EXPECT_EQ(GetStatus().joiner().remembered_requests(), static_cast<uint64_t>(remembered));
}

TEST_F(RememberTest, ManyCallersAndProducersAtOnceLoseNothing) {
  constexpr int kThreads = 4, kRequests = 40;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      PredictStreamClient predict(*prediction_);
      EventStreamClient stream(*training_);
      stream.Open(absl::StrCat("producer", t));
      for (int i = 0; i < kRequests; ++i) {
        const std::string id = absl::StrCat(t, "/", i);
        v1::PredictStreamRequest request;
        request.set_id(static_cast<uint64_t>(i));
        *request.mutable_request() = ToRemember(id, /*wait=*/i % 2 == 0);
        predict.Send(request);
        v1::StreamEventsRequest message;
        v1::LabelBatch& batch = *message.mutable_labels();
        batch.set_sequence(static_cast<uint64_t>(i + 1));
        batch.add_request_ids(id);
        v1::Labels& labels = *batch.add_labels();
        labels.set_task("click");
        for (uint32_t row = 0; row < 3; ++row) {
          batch.add_request(0);
          batch.add_row(row);
          labels.add_values(static_cast<float>(row % 2));
        }
        stream.Send(message);  // Perhaps before its request.
      }
      for (const auto& [id, answer] : predict.Read(kRequests)) EXPECT_TRUE(answer.response().remembered()) << id;
      EXPECT_TRUE(predict.Finish().ok());
      EXPECT_TRUE(stream.Finish().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.joiner().joined_rows(), kThreads * kRequests * 3);
  EXPECT_EQ(status.joiner().waiting_labels(), 0);
  EXPECT_EQ(status.events_rejected(), 0);
  EXPECT_EQ(status.events_accepted(), kThreads * kRequests * 3);
}

}  // namespace
}  // namespace polyscene
