#include "client/lib/event_stream.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Act = FakeTrainingService::Act;

constexpr char kProducer[] = "test";
constexpr uint32_t kRows = 3;

v1::EventBatch Batch(uint32_t rows = kRows) {
  v1::EventBatch batch;
  batch.set_scene("search");
  batch.set_rows(rows);
  v1::Column* const column = batch.add_columns();
  column->set_name("user");
  for (uint32_t r = 0; r < rows; ++r) column->add_ints(r);
  return batch;
}

// Every row of batches 1 to `last`, once.
std::vector<std::string> AllRows(uint64_t last) {
  std::vector<std::string> rows;
  for (uint64_t sequence = 1; sequence <= last; ++sequence) {
    for (uint32_t row = 0; row < kRows; ++row) rows.push_back(absl::StrCat(sequence, ":", row));
  }
  return rows;
}

class EventStreamTest : public ::testing::Test {
 protected:
  // After the service was scripted.
  void Start() {
    server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_});
    options_.server = server_->address();
    options_.producer_id = kProducer;
    options_.backoff.initial = absl::Milliseconds(5);
    options_.poll_interval = absl::Milliseconds(20);
    stream_ = std::make_unique<EventStream>(options_);
  }

  void Send(int batches) {
    for (int b = 0; b < batches; ++b) {
      const absl::StatusOr<uint64_t> sequence = stream_->Send(Batch());
      ASSERT_TRUE(sequence.ok()) << sequence.status();
    }
  }

  absl::Status Finish(Milestone milestone = Milestone::kLearned) {
    return stream_->Finish(milestone, absl::Now() + absl::Seconds(30));
  }

  FakeTrainingService service_;
  std::unique_ptr<TestServer> server_;
  EventStreamOptions options_;
  std::unique_ptr<EventStream> stream_;  // Before the server goes.
};

TEST_F(EventStreamTest, BatchesAreNumberedFromOneAndArriveInOrder) {
  Start();
  EXPECT_EQ(*stream_->Send(Batch()), 1u);
  EXPECT_EQ(*stream_->Send(Batch()), 2u);

  ASSERT_TRUE(Finish().ok());

  EXPECT_EQ(service_.LoggedRows(kProducer), AllRows(2));
  const StreamProgress progress = stream_->progress();
  EXPECT_EQ(progress.rows_sent, 6);
  EXPECT_EQ(progress.rows_accepted, 6);
  EXPECT_EQ(progress.rows_rejected, 0);
  EXPECT_EQ(progress.rows_logged, 6);
  EXPECT_EQ(progress.rows_learned, 6);
  EXPECT_EQ(progress.rows_served, 6);
  EXPECT_EQ(progress.connections, 1);
}

TEST_F(EventStreamTest, BatchesOfEveryKindShareOneSequenceAndSurviveABrokenConnection) {
  std::vector<std::string> logged;
  service_.on_logged = [&](const v1::EventBatch& batch) {
    logged.push_back(absl::StrCat("events ", batch.sequence()));
  };
  service_.on_labels = [&](const v1::LabelBatch& batch) {
    logged.push_back(absl::StrCat("labels ", batch.sequence(), " of ", batch.request_ids(0)));
  };
  service_.on_exposures = [&](const v1::ExposureBatch& batch) {
    logged.push_back(absl::StrCat("exposures ", batch.sequence(), " of ", batch.exposures(0).request_id()));
  };
  service_.script = [](int stream, uint64_t sequence) {
    if (stream == 1 && sequence == 2) return Act::kDropLogged;
    return stream == 2 && sequence == 3 ? Act::kDropUnlogged : Act::kAccept;
  };
  service_.refuse = [](uint64_t sequence, uint32_t row) { return sequence == 3 && row == 1; };
  Start();
  v1::LabelBatch labels;
  labels.add_request_ids("a");
  labels.add_request(0);
  labels.add_row(2);
  v1::ExposureBatch exposures;
  for (const char* request : {"a", "b"}) {
    v1::Exposure* const exposure = exposures.add_exposures();
    exposure->set_request_id(request);
    exposure->add_rows(0);
    exposure->add_rows(7);
  }
  EXPECT_EQ(*stream_->Send(Batch()), 1u);
  EXPECT_EQ(*stream_->Send(labels), 2u);
  EXPECT_EQ(*stream_->Send(exposures), 3u);
  EXPECT_EQ(*stream_->Send(labels), 4u);

  ASSERT_TRUE(Finish().ok());

  EXPECT_THAT(logged, ElementsAre("events 1", "labels 2 of a", "exposures 3 of a", "labels 4 of a"));
  EXPECT_EQ(stream_->progress().rows_accepted, kRows + 1 + 3 + 1);
  const std::vector<RejectedEvent> rejected = stream_->TakeRejected();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].sequence, 3u);
  EXPECT_EQ(rejected[0].row, 1u);
}

TEST_F(EventStreamTest, EachBatchIsToldOnceAsItComesToBeServed) {
  options_.measure_freshness = true;
  service_.learns = false;
  Start();
  Send(2);
  ASSERT_TRUE(stream_->WaitFor(Milestone::kLogged, absl::Now() + absl::Seconds(30)).ok());
  EXPECT_THAT(stream_->TakeServed(), IsEmpty());

  service_.SetLearns(true);
  ASSERT_TRUE(Finish(Milestone::kServed).ok());

  const std::vector<ServedBatch> served = stream_->TakeServed();
  ASSERT_EQ(served.size(), 2u);
  for (size_t b = 0; b < 2; ++b) {
    EXPECT_EQ(served[b].sequence, b + 1);
    EXPECT_EQ(served[b].rows, kRows);
    EXPECT_GE(served[b].after_logged, absl::ZeroDuration());
  }
  EXPECT_THAT(stream_->TakeServed(), IsEmpty());
}

TEST_F(EventStreamTest, ABatchLostWithItsConnectionIsSentAgain) {
  service_.script = [](int stream, uint64_t sequence) {
    return stream == 1 && sequence == 3 ? Act::kDropUnlogged : Act::kAccept;
  };
  Start();
  Send(5);

  ASSERT_TRUE(Finish().ok());

  EXPECT_EQ(service_.LoggedRows(kProducer), AllRows(5));
  EXPECT_EQ(stream_->progress().rows_accepted, 15);
  EXPECT_EQ(stream_->progress().connections, 2);
}

TEST_F(EventStreamTest, ABatchWhoseAcknowledgementIsLostCountsOnceAndItsRefusedRowsAreKnown) {
  service_.refuse = [](uint64_t sequence, uint32_t row) { return sequence == 2 && row == 1; };
  service_.script = [](int stream, uint64_t sequence) {
    return stream == 1 && sequence == 2 ? Act::kDropLogged : Act::kAccept;
  };
  Start();
  Send(3);

  ASSERT_TRUE(Finish().ok());

  EXPECT_THAT(service_.LoggedRows(kProducer), ElementsAre("1:0", "1:1", "1:2", "2:0", "2:2", "3:0", "3:1", "3:2"));
  EXPECT_EQ(stream_->progress().rows_accepted, 8);
  EXPECT_EQ(stream_->progress().rows_rejected, 1);
  const std::vector<RejectedEvent> rejected = stream_->TakeRejected();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].sequence, 2u);
  EXPECT_EQ(rejected[0].row, 1u);
}

TEST_F(EventStreamTest, RefusedRowsAreToldExactlyOnceThoughTheServerRepeatsItself) {
  service_.refuse = [](uint64_t, uint32_t row) { return row == 2; };
  service_.script = [](int, uint64_t) { return Act::kTwice; };
  Start();
  Send(2);

  ASSERT_TRUE(Finish().ok());

  const std::vector<RejectedEvent> rejected = stream_->TakeRejected();
  ASSERT_EQ(rejected.size(), 2u);
  EXPECT_EQ(rejected[0].sequence, 1u);
  EXPECT_EQ(rejected[0].reason, "out_of_range");
  EXPECT_EQ(rejected[0].message, "the script refuses it");
  EXPECT_EQ(rejected[1].sequence, 2u);
  EXPECT_EQ(stream_->progress().rows_rejected, 2);
  EXPECT_EQ(stream_->progress().rows_accepted, 4);
  EXPECT_THAT(stream_->TakeRejected(), IsEmpty());
}

TEST_F(EventStreamTest, EveryRowArrivesOnceThroughAConnectionThatBreaksAgainAndAgain) {
  // Every third batch of a stream breaks it, before or after it is logged.
  std::atomic<int> batches{0};
  service_.refuse = [](uint64_t sequence, uint32_t row) { return sequence % 10 == 0 && row == 0; };
  service_.script = [&batches](int stream, uint64_t) {
    if (++batches % 3 != 0) return Act::kAccept;
    return stream % 2 == 0 ? Act::kDropLogged : Act::kDropUnlogged;
  };
  options_.window_batches = 4;
  Start();
  Send(60);

  ASSERT_TRUE(Finish().ok());

  std::vector<std::string> expected;
  for (const std::string& row : AllRows(60)) {
    if (row != "10:0" && row != "20:0" && row != "30:0" && row != "40:0" && row != "50:0" && row != "60:0") {
      expected.push_back(row);
    }
  }
  EXPECT_EQ(service_.LoggedRows(kProducer), expected);
  EXPECT_EQ(stream_->progress().rows_accepted, 174);
  EXPECT_EQ(stream_->progress().rows_rejected, 6);
  EXPECT_EQ(stream_->TakeRejected().size(), 6u);
  EXPECT_GT(stream_->progress().connections, 10);
}

TEST_F(EventStreamTest, ARestartedProducerPassesOverWhatTheServerHas) {
  service_.SetLogged(kProducer, 2);
  Start();
  Send(4);

  ASSERT_TRUE(Finish().ok());

  EXPECT_THAT(service_.LoggedRows(kProducer), ElementsAre("3:0", "3:1", "3:2", "4:0", "4:1", "4:2"));
  EXPECT_EQ(stream_->progress().rows_sent, 12);
  EXPECT_EQ(stream_->progress().rows_known, 6);
  EXPECT_EQ(stream_->progress().rows_accepted, 6);
  EXPECT_EQ(stream_->progress().rows_logged, 12);
}

TEST_F(EventStreamTest, TheServerMayGoAwayAndComeBack) {
  options_.window_batches = 2;
  Start();
  Send(10);
  ASSERT_TRUE(stream_->WaitFor(Milestone::kLogged, absl::Now() + absl::Seconds(30)).ok());
  server_->Stop();
  std::thread restart(
      [this] { server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_}, server_->port()); });
  Send(10);
  restart.join();

  ASSERT_TRUE(Finish().ok());

  EXPECT_EQ(service_.LoggedRows(kProducer), AllRows(20));
  EXPECT_GE(stream_->progress().connections, 2);
}

TEST_F(EventStreamTest, SendBlocksWhileTheWindowIsFull) {
  service_.script = [](int stream, uint64_t) { return stream == 1 ? Act::kSilence : Act::kAccept; };
  options_.window_batches = 2;
  options_.stall_timeout = absl::Milliseconds(200);
  Start();
  const absl::Time start = absl::Now();
  Send(3);  // The third waits for room, which comes when the silent connection is given up.

  EXPECT_GE(absl::Now() - start, absl::Milliseconds(200));
  ASSERT_TRUE(Finish().ok());
  EXPECT_EQ(service_.LoggedRows(kProducer), AllRows(3));
}

TEST_F(EventStreamTest, TheWindowIsBoundedInBytesToo) {
  service_.script = [](int stream, uint64_t) { return stream == 1 ? Act::kSilence : Act::kAccept; };
  options_.window_bytes = 1;
  options_.stall_timeout = absl::Milliseconds(200);
  Start();
  const absl::Time start = absl::Now();
  Send(2);

  EXPECT_GE(absl::Now() - start, absl::Milliseconds(200));
}

TEST_F(EventStreamTest, LearningIsAskedForWhereItIsNotTold) {
  service_.tells_learning = false;
  Start();
  Send(2);

  EXPECT_TRUE(Finish(Milestone::kServed).ok());
  EXPECT_EQ(stream_->progress().rows_served, 6);
}

TEST_F(EventStreamTest, AWaitThatIsOverInTimeMayBeTakenUpAgain) {
  service_.learns = false;
  Start();
  Send(1);
  ASSERT_TRUE(stream_->WaitFor(Milestone::kLogged, absl::Now() + absl::Seconds(30)).ok());

  const absl::Status early = stream_->WaitFor(Milestone::kLearned, absl::Now() + absl::Milliseconds(1));
  EXPECT_EQ(early.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(early.message()), HasSubstr("logged those up to 1, learned up to 0"));

  service_.SetLearns(true);
  EXPECT_TRUE(Finish().ok());
}

TEST_F(EventStreamTest, EveryConnectionOpensTheEvaluation) {
  options_.evaluate_from_micros = 42;
  service_.script = [](int stream, uint64_t) { return stream == 1 ? Act::kDropUnlogged : Act::kAccept; };
  Start();
  Send(1);
  ASSERT_TRUE(Finish().ok());

  const std::vector<v1::OpenStream> opened = service_.opened();
  ASSERT_EQ(opened.size(), 2u);
  for (const v1::OpenStream& open : opened) {
    EXPECT_EQ(open.producer_id(), kProducer);
    EXPECT_EQ(open.evaluate_from_micros(), 42);
  }
}

TEST_F(EventStreamTest, AnErrorThatTryingAgainCannotMendEndsTheStream) {
  service_.drop_status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "producer_id: got 65 bytes");
  service_.script = [](int, uint64_t) { return Act::kDropUnlogged; };
  Start();
  Send(1);

  const absl::Status status = Finish();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("producer_id: got 65 bytes"));
  EXPECT_EQ(stream_->Send(Batch()).status(), status);
}

TEST_F(EventStreamTest, AServerThatFailsOnEveryBatchIsNotTriedForever) {
  service_.drop_status = grpc::Status(grpc::StatusCode::INTERNAL, "a bug");
  service_.script = [](int, uint64_t) { return Act::kDropUnlogged; };
  Start();
  Send(1);

  EXPECT_EQ(Finish().code(), absl::StatusCode::kInternal);
}

TEST_F(EventStreamTest, AServerThatStaysAwayIsGivenUp) {
  options_.give_up_after = absl::Milliseconds(300);
  Start();
  server_->Stop();
  stream_ = std::make_unique<EventStream>(options_);
  Send(1);

  const absl::Status status = Finish();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("server ", options_.server, " took nothing for 300ms")));
}

TEST_F(EventStreamTest, AServerWhoseLogIsFullIsTriedUntilItHasRoom) {
  options_.give_up_after = absl::Milliseconds(1);
  options_.backoff.maximum = absl::Milliseconds(5);
  service_.drop_status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "its budget is spent");
  service_.script = [](int stream, uint64_t) { return stream <= 20 ? Act::kDropUnlogged : Act::kAccept; };
  Start();
  Send(3);

  EXPECT_TRUE(Finish().ok());
  EXPECT_EQ(service_.LoggedRows(kProducer), AllRows(3));
  EXPECT_EQ(stream_->progress().connections, 21);
}

TEST_F(EventStreamTest, AServerThatForgotWhatItAcknowledgedIsDataLoss) {
  service_.script = [this](int stream, uint64_t sequence) {
    if (stream == 1 && sequence == 3) {
      service_.Forget(kProducer);
      return Act::kDropUnlogged;
    }
    return Act::kAccept;
  };
  Start();
  Send(2);
  ASSERT_TRUE(stream_->WaitFor(Milestone::kLogged, absl::Now() + absl::Seconds(30)).ok());
  Send(1);

  const absl::Status status = Finish();

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("up to 0, but acknowledged those up to 2"));
}

TEST_F(EventStreamTest, NothingCanBeSentOnAFinishedStream) {
  Start();
  Send(1);
  ASSERT_TRUE(Finish().ok());

  EXPECT_EQ(stream_->Send(Batch()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventStreamTest, WithoutABatchThereIsNothingToWaitForButTheServer) {
  Start();
  EXPECT_TRUE(Finish().ok());
}

}  // namespace
}  // namespace polyscene::client
