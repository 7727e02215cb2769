// Producers that behave badly: nothing is lost or doubled, and memory stays bounded.
#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "server/metrics/resident_memory.h"
#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class ProducersTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }
  void TearDown() override { controls_.learner.ReleaseSteps(); }

  // The items learned, sorted; once everything logged is learned.
  std::vector<int64_t> Learned() {
    while (GetStatus().learned_offset() < GetStatus().log_end_offset()) std::this_thread::yield();
    std::vector<int64_t> items;
    for (const std::vector<int64_t>& step : controls_.learner.steps())
      items.insert(items.end(), step.begin(), step.end());
    std::sort(items.begin(), items.end());
    return items;
  }
  static std::vector<int64_t> UpTo(int64_t last) {
    std::vector<int64_t> items;
    for (int64_t item = 1; item <= last; ++item) items.push_back(item);
    return items;
  }
};

TEST_F(ProducersTest, OneThatResendsEverythingAgainAndAgainIsAcknowledgedAndLogsNothingTwice) {
  for (int round = 0; round < 5; ++round) {
    EventStreamClient stream(*training_);
    stream.Open("p");
    for (int64_t sequence = 1; sequence <= 40; ++sequence) {
      for (int times = 0; times < 2; ++times) {
        stream.Send(GoodBatch(static_cast<uint64_t>(sequence), {sequence}));
        EXPECT_EQ(stream.Acknowledgement().accepted_sequence(), static_cast<uint64_t>(sequence));
      }
    }
    EXPECT_TRUE(stream.Finish().ok());
  }
  EXPECT_EQ(Learned(), UpTo(40));
  EXPECT_EQ(GetStatus().events_accepted(), 40);
}

TEST_F(ProducersTest, OneThatSkipsIsToldWhatIsExpectedAndNothingOfItIsLogged) {
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1}));
  stream.Send(GoodBatch(3, {3}));
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("sequence 3 skips, expected 2"));
  EXPECT_EQ(WatermarkOf("p").logged(), 1);
  EXPECT_EQ(Learned(), UpTo(1));
}

// A retry that overtakes what it repeats, batches that come again after later ones: each counts once.
TEST_F(ProducersTest, RetriesThatAreReorderedAreTakenOnce) {
  std::mt19937 random(7);
  for (int connection = 0; connection < 10; ++connection) {
    EventStreamClient stream(*training_);
    stream.Open("p");
    const int64_t logged = static_cast<int64_t>(WatermarkOf("p").logged());
    int64_t last = logged;
    for (int batch = 0; batch < 30; ++batch) {
      const bool next = last == 0 || random() % 2 == 0;
      const int64_t sequence = next ? last + 1 : 1 + static_cast<int64_t>(random() % last);
      last = std::max(last, sequence);
      stream.Send(GoodBatch(static_cast<uint64_t>(sequence), {sequence}));
    }
    EXPECT_TRUE(stream.Finish().ok());
  }
  const uint64_t logged = WatermarkOf("p").logged();
  EXPECT_GT(logged, 100);
  EXPECT_EQ(Learned(), UpTo(static_cast<int64_t>(logged)));
}

TEST_F(ProducersTest, TwoConnectionsOfOneProducerAtOnceLoseAndDoubleNothing) {
  std::vector<std::thread> connections;
  for (int connection = 0; connection < 2; ++connection) {
    connections.emplace_back([this] {
      // Each sends every batch, and begins again where the log is whenever the other's made it skip.
      for (;;) {
        const auto next = static_cast<int64_t>(WatermarkOf("p").logged()) + 1;
        if (next > 200) return;
        EventStreamClient stream(*training_);
        stream.Open("p");
        for (int64_t sequence = next; sequence <= std::min<int64_t>(next + 20, 200); ++sequence) {
          stream.Send(GoodBatch(static_cast<uint64_t>(sequence), {sequence}));
        }
        stream.Finish();
      }
    });
  }
  for (std::thread& connection : connections) connection.join();
  EXPECT_EQ(Learned(), UpTo(200));
}

TEST_F(ProducersTest, TenThousandBatchesOfOneRow) {
  EventStreamClient stream(*training_);
  stream.Open("p", /*wait_until_learned=*/true);
  std::thread reader([&stream] {
    while (stream.Acknowledgement().accepted_sequence() < 10000) {
    }
  });
  for (int64_t sequence = 1; sequence <= 10000; ++sequence) {
    stream.Send(GoodBatch(static_cast<uint64_t>(sequence), {sequence}));
  }
  reader.join();
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(Learned(), UpTo(10000));
}

// Its acknowledgements fill the connection's window, then the server reads no further, and gRPC holds the sender.
TEST_F(ProducersTest, OneThatNeverReadsIsHeldAndCostsNoMemory) {
  EventStreamClient silent(*training_);
  silent.Open("silent");
  v1::EventBatch batch = GoodBatch(1, std::vector<int64_t>(100, 5));
  for (v1::Column& column : *batch.mutable_columns()) {
    if (column.name() == "user") {
      for (std::string& user : *column.mutable_strings()) user.assign(1000, 'u');
    }
  }
  batch.mutable_labels(0)->mutable_values()->Set(0, 9);  // A refused row: acknowledgements with a text in them.
  const uint64_t before = ResidentMemoryBytes();
  std::atomic<uint64_t> sent{0};
  std::thread sender([&] {
    for (uint64_t sequence = 1; sequence <= 4000; ++sequence) {  // 400 MB.
      batch.set_sequence(sequence);
      if (!silent.TrySend(batch)) return;
      sent = sequence;
    }
  });
  uint64_t seen = 0;
  int still = 0;  // Looks at which nothing more was sent.
  while (still < 40 && sent < 4000) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    still = sent == seen ? still + 1 : 0;
    seen = sent;
    ASSERT_LT(ResidentMemoryBytes(), before + (uint64_t{400} << 20));
  }
  EventStreamClient other(*training_);  // Nobody else is held.
  other.Open("other");
  other.Send(GoodBatch(1, {1}));
  EXPECT_EQ(other.Acknowledgement().accepted_rows(), 1);
  silent.Cancel();
  sender.join();
}

}  // namespace
}  // namespace polyscene
