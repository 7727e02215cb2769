// How often a Predict asks the heap for memory once it has warmed up: encoding alone, the predictor (which encodes,
// too), and from the batcher's Submit() to its answer, all threads counted.
//
//   allocation_bench [CANDIDATES]        100
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/str_format.h"
#include "model/feature/encoder.h"
#include "model/serving/torch_snapshot.h"
#include "server/batching/batcher.h"
#include "server/metrics/metrics.h"
#include "server/snapshot/snapshot_store.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/heap_count.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int kWarmUp = 200;
constexpr int kCounted = 1'000;
constexpr int kRequests = 16;

// Allocations of a call, after some that warm up.
double CountOf(const std::function<void(const OwnedRequest&)>& call,
               const std::vector<std::unique_ptr<OwnedRequest>>& requests) {
  int64_t before = 0;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    if (i == kWarmUp) before = HeapAllocations();
    call(*requests[i % requests.size()]);
  }
  return static_cast<double>(HeapAllocations() - before) / kCounted;
}

// Submits a request and waits for its answer, with as little of its own as can be.
class Submitter {
 public:
  explicit Submitter(Batcher& batcher) : batcher_(batcher) {}

  void Score(const ScoreRequest& request) {
    {
      MutexLock lock(&mu_);
      answered_ = false;
    }
    PendingRequest pending;
    pending.scene = request.scene;
    pending.context = request.context;
    pending.candidates = request.candidates;
    pending.tasks = request.tasks;
    pending.rows = request.candidates->rows;
    pending.done = [this](absl::StatusOr<ScoredRequest> scored) {
      Check(scored.status());
      MutexLock lock(&mu_);
      answered_ = true;
      changed_.Signal();
    };
    batcher_.Submit(std::move(pending));
    MutexLock lock(&mu_);
    while (!answered_) changed_.Wait(&mu_);
  }

 private:
  Batcher& batcher_;
  Mutex mu_;
  CondVar changed_;
  bool answered_ ABSL_GUARDED_BY(mu_) = false;
};

int Run(int argc, char** argv) {
  const int64_t candidates = argc > 1 ? std::atoll(argv[1]) : 100;
  const auto spec = ReferenceSpec();
  const std::shared_ptr<const Snapshot> snapshot = Check(LearnedReference(spec)->MakeSnapshot(1, 0));
  const auto requests = ReferenceRequests(spec, kRequests, candidates);

  const FeatureEncoder encoder(spec, HashKey());
  EncodedBatch batch;
  const double of_encoding = CountOf(
      [&](const OwnedRequest& request) {
        batch.Clear();
        encoder.AppendRequest(static_cast<const TorchSnapshot&>(*snapshot).statistics(), 0, request.context(),
                              request.candidates(), batch);
      },
      requests);

  const std::unique_ptr<Predictor> predictor = Check(CreatePredictor(spec, HashKey(), "cpu"));
  const double of_predictor = CountOf(
      [&](const OwnedRequest& request) {
        Check(predictor->Score(*snapshot, absl::MakeConstSpan(&request.request(), 1)).status());
      },
      requests);

  SnapshotStore snapshots;
  Check(snapshots.Publish(snapshot));
  Metrics metrics(spec);
  const SystemClock clock;
  Batcher batcher(BatcherOptions(), *predictor, snapshots, metrics, clock);
  Submitter submitter(batcher);
  const double of_batcher = CountOf([&](const OwnedRequest& request) { submitter.Score(request.request()); }, requests);

  PrintFigure("heap allocations of a Predict after warm-up in encode, batch and forward", of_batcher, AtMost(0, ""),
              absl::StrFormat("%d candidates; encoding %.3g, predictor %.3g, batching the rest", candidates,
                              of_encoding, of_predictor));
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
