// A batcher before a fake Predictor, and requests for it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "server/batching/batcher.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_predictor.h"
#include "tests/support/tiny_model.h"

namespace polyscene {

inline constexpr int kShop = 0;
inline constexpr int kClick = 0;
inline constexpr int kSpend = 1;

// A request of scene "shop" for items, and its answer.
class Call {
 public:
  explicit Call(std::vector<int64_t> items) : tasks_{kClick, kSpend} {
    context_.rows = 1;
    candidates_.rows = static_cast<int64_t>(items.size());
    candidates_.Add("item", ValueType::kInt64).ints = std::move(items);
    context_view_ = context_.View();
    candidates_view_ = candidates_.View();
  }

  PendingRequest Request(absl::Time deadline = absl::InfiniteFuture()) {
    PendingRequest request;
    request.scene = kShop;
    request.context = &context_view_;
    request.candidates = &candidates_view_;
    request.tasks = tasks_;
    request.rows = candidates_.rows;
    request.deadline = deadline;
    request.done = [this](absl::StatusOr<ScoredRequest> scored) { answer_.set_value(std::move(scored)); };
    return request;
  }

  absl::StatusOr<ScoredRequest> Wait() { return answer_.get_future().get(); }  // Set twice, a promise throws.

 private:
  std::vector<int> tasks_;
  Table context_;
  Table candidates_;
  TableView context_view_;
  TableView candidates_view_;
  std::promise<absl::StatusOr<ScoredRequest>> answer_;
};

class BatcherFixture : public ::testing::Test {
 protected:
  void TearDown() override {
    batcher_.reset();
    EXPECT_EQ(metrics_.in_scoring(), 0);  // Whatever became of the requests.
  }

  // Its workers score, whatever the number of rows: so a test can go on while they do.
  void Start(BatcherOptions options) {
    options.max_inline_rows = 0;
    StartInline(options);
  }

  void StartInline(BatcherOptions options) {
    batcher_ = std::make_unique<Batcher>(options, predictor_, snapshots_, metrics_, clock_);
  }

  void Publish(uint64_t version) {
    SnapshotInfo info;
    info.version = version;
    ASSERT_TRUE(snapshots_.Publish(std::make_shared<Snapshot>(info)).ok());
  }

  // Has the one worker busy with a request of one row, so that what follows queues up.
  void Occupy() {
    predictor_.Hold();
    batcher_->Submit(occupant_.Request());
    predictor_.WaitUntilHeld(1);
  }

  std::shared_ptr<const ModelSpec> spec_ = TinyModel();
  FakePredictor predictor_{spec_};
  SnapshotStore snapshots_;
  Metrics metrics_{spec_};
  FakeClock clock_;
  Call occupant_{{0}};
  std::unique_ptr<Batcher> batcher_;
};

}  // namespace polyscene
