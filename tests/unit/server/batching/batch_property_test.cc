// Batched and split equals scored alone, over random requests, workers and limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "server/batching/batcher.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

// A number for everything that a row holds in `table`.
size_t RowHash(const TableView& table, int64_t row) {
  size_t hash = 0;
  for (const ColumnView& column : table.columns) {
    if (std::binary_search(column.missing.begin(), column.missing.end(), static_cast<uint32_t>(row))) {
      hash = absl::HashOf(hash, column.name, "missing");
      continue;
    }
    size_t first = row;
    size_t count = 1;
    if (!column.lengths.empty()) {
      first = 0;
      for (int64_t before = 0; before < row; ++before) first += column.lengths[before];
      count = column.lengths[row];
    }
    for (size_t v = first; v < first + count; ++v) {
      hash = absl::HashOf(hash, column.name);
      if (!column.ints.empty()) hash = absl::HashOf(hash, column.ints[v]);
      if (!column.floats.empty()) hash = absl::HashOf(hash, column.floats[v]);
      if (!column.strings.empty()) hash = absl::HashOf(hash, column.strings[v]);
    }
  }
  return hash;
}

// Scores follow from the row, its context, the scene, the task and the snapshot, and from nothing else. One task has
// two outputs.
class HashPredictor : public Predictor {
 public:
  absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                         absl::Span<ScoreResult> results) override {
    for (size_t i = 0; i < requests.size(); ++i) {
      const ScoreRequest& request = requests[i];
      const bool shared_context = request.candidates != nullptr;
      ScoreResult& result = results[i];
      result = ScoreResult();
      result.rows = shared_context ? request.candidates->rows : request.context->rows;
      for (const int task : request.tasks) result.tasks.push_back({task, task + 1, {}});
      for (int64_t row = 0; row < result.rows; ++row) {
        const size_t of_row = absl::HashOf(RowHash(*request.context, shared_context ? 0 : row),
                                           shared_context ? RowHash(*request.candidates, row) : 0, request.scene,
                                           snapshot.info().version);
        for (ScoredTask& task : result.tasks) {
          for (int output = 0; output < task.outputs; ++output) {
            task.values.push_back(static_cast<float>(absl::HashOf(of_row, task.task, output) % (1 << 24)));
          }
        }
        if (request.scene == 0) result.ranking.push_back(result.tasks[0].values.back());
      }
    }
    return absl::OkStatus();
  }
};

using Random = std::mt19937;

int64_t Draw(Random& random, int64_t min, int64_t max) {
  return std::uniform_int_distribution<int64_t>(min, max)(random);
}

std::vector<uint32_t> SomeRows(Random& random, int64_t rows) {
  std::vector<uint32_t> some;
  for (int64_t row = 0; row < rows; ++row) {
    if (Draw(random, 0, 4) == 0) some.push_back(static_cast<uint32_t>(row));
  }
  return some;
}

// A random request of either scene of the tiny model.
class RandomRequest {
 public:
  explicit RandomRequest(Random& random) : scene_(static_cast<int>(Draw(random, 0, 1))) {
    rows_ = Draw(random, 0, 3) == 0 ? Draw(random, 1, 60) : Draw(random, 1, 6);
    context_.rows = scene_ == 0 ? 1 : rows_;
    Column& user = context_.Add("user", ValueType::kInt64);
    for (int64_t row = 0; row < context_.rows; ++row) user.ints.push_back(Draw(random, 0, 1'000'000));
    user.missing = SomeRows(random, context_.rows);
    if (scene_ == 0) {
      AddCandidates(random);
      tasks_ = Draw(random, 0, 1) == 0 ? std::vector<int>{0, 1} : std::vector<int>{1};
    } else {
      Column& visits = context_.Add("visits", ValueType::kFloat);
      for (int64_t row = 0; row < rows_; ++row) visits.floats.push_back(static_cast<float>(Draw(random, 0, 1'000'000)));
      tasks_ = {0};
    }
    context_view_ = context_.View();
    candidates_view_ = candidates_.View();
  }

  const TableView* candidates() const { return scene_ == 0 ? &candidates_view_ : nullptr; }

  // What it would get if it were scored alone and whole, of that version.
  ScoreResult Alone(uint64_t version) const {
    SnapshotInfo info;
    info.version = version;
    const ScoreRequest request{scene_, &context_view_, candidates(), tasks_};
    return std::move(HashPredictor().Score(Snapshot(info), {&request, 1})->front());
  }

  PendingRequest Pending(absl::Time deadline) {
    PendingRequest pending;
    pending.scene = scene_;
    pending.context = &context_view_;
    pending.candidates = candidates();
    pending.tasks = tasks_;
    pending.rows = rows_;
    pending.deadline = deadline;
    pending.done = [this](absl::StatusOr<ScoredRequest> scored) { answer_.set_value(std::move(scored)); };
    return pending;
  }

  absl::StatusOr<ScoredRequest> Wait() { return answer_.get_future().get(); }

 private:
  void AddCandidates(Random& random) {
    candidates_.rows = rows_;
    Column& item = candidates_.Add("item", ValueType::kInt64);
    for (int64_t row = 0; row < rows_; ++row) item.ints.push_back(Draw(random, 0, 1'000'000));
    Column& price = candidates_.Add("price", ValueType::kFloat);
    for (int64_t row = 0; row < rows_; ++row) price.floats.push_back(static_cast<float>(Draw(random, 0, 1'000'000)));
    price.missing = SomeRows(random, rows_);
    Column& tags = candidates_.Add("tags", ValueType::kString);
    for (int64_t row = 0; row < rows_; ++row) {
      tags.lengths.push_back(static_cast<uint32_t>(Draw(random, 0, 3)));
      for (uint32_t t = 0; t < tags.lengths.back(); ++t) tags.strings.push_back(std::to_string(Draw(random, 0, 99)));
    }
  }

  const int scene_;
  int64_t rows_ = 0;
  std::vector<int> tasks_;
  Table context_;
  Table candidates_;
  TableView context_view_;
  TableView candidates_view_;
  std::promise<absl::StatusOr<ScoredRequest>> answer_;
};

void ExpectSame(const ScoreResult& got, const ScoreResult& want) {
  EXPECT_EQ(got.rows, want.rows);
  EXPECT_EQ(got.ranking, want.ranking);
  ASSERT_EQ(got.tasks.size(), want.tasks.size());
  for (size_t t = 0; t < want.tasks.size(); ++t) {
    EXPECT_EQ(got.tasks[t].task, want.tasks[t].task);
    EXPECT_EQ(got.tasks[t].outputs, want.tasks[t].outputs);
    EXPECT_EQ(got.tasks[t].values, want.tasks[t].values);
  }
}

class BatchPropertyTest : public ::testing::TestWithParam<int> {};

TEST_P(BatchPropertyTest, EveryRequestGetsWhatItWouldGetAlone) {
  Random random(GetParam());
  const std::shared_ptr<const ModelSpec> spec = TinyModel();
  HashPredictor predictor;
  SnapshotStore snapshots;
  Metrics metrics(spec);
  const SystemClock clock;
  BatcherOptions options;
  options.threads = static_cast<int>(Draw(random, 1, 4));
  options.min_batch_rows = Draw(random, 1, 20);
  options.max_batch_rows = options.min_batch_rows + Draw(random, 0, 20);
  Batcher batcher(options, predictor, snapshots, metrics, clock);
  const auto publish = [&snapshots](uint64_t version) {
    SnapshotInfo info;
    info.version = version;
    ASSERT_TRUE(snapshots.Publish(std::make_shared<Snapshot>(info)).ok());
  };
  publish(1);

  // Each client has many requests in flight; some have a deadline, which is far.
  std::vector<std::thread> clients;
  for (int client = 0; client < 3; ++client) {
    clients.emplace_back([&batcher, seed = random()] {
      Random mine(seed);
      std::vector<std::unique_ptr<RandomRequest>> requests;
      for (int i = 0; i < 60; ++i) {
        requests.push_back(std::make_unique<RandomRequest>(mine));
        const absl::Duration patience =
            Draw(mine, 0, 1) == 0 ? absl::InfiniteDuration() : absl::Seconds(1000 + Draw(mine, 0, 10));
        batcher.Submit(requests.back()->Pending(absl::Now() + patience));
      }
      for (const auto& request : requests) {
        const absl::StatusOr<ScoredRequest> scored = request->Wait();
        ASSERT_TRUE(scored.ok()) << scored.status();
        ExpectSame(scored->result, request->Alone(scored->snapshot.version));
      }
    });
  }
  for (uint64_t version = 2; version < 30; ++version) publish(version);
  for (std::thread& client : clients) client.join();
}

INSTANTIATE_TEST_SUITE_P(Seeds, BatchPropertyTest, ::testing::Range(1, 21));

}  // namespace
}  // namespace polyscene
