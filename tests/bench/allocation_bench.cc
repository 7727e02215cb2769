// How often a Predict asks the heap for memory once it has warmed up: encoding alone, the predictor (which encodes,
// too), and from the batcher's Submit() to its answer, all threads counted. What oneDNN's own code asks for within each
// product is told apart: its library has no way to hand it memory.
//
//   allocation_bench [CANDIDATES]        100
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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
constexpr absl::Duration kAlone = absl::Milliseconds(1);  // So far apart the batcher takes requests for lone ones.

struct Count {
  double ours = 0;
  double of_onednn = 0;
};

// Allocations of a call, after some that warm up.
Count CountOf(const std::function<void(const OwnedRequest&)>& call,
              const std::vector<std::unique_ptr<OwnedRequest>>& requests) {
  HeapAllocations before;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    if (i == kWarmUp) before = CountAllocations();
    call(*requests[i % requests.size()]);
  }
  const HeapAllocations after = CountAllocations();
  return {static_cast<double>(after.ours - before.ours) / kCounted,
          static_cast<double>(after.of_onednn - before.of_onednn) / kCounted};
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
    pending.done = [this](const absl::StatusOr<ScoredRequest>& scored) {
      Check(scored.status());
      MutexLock lock(&mu_);
      answered_ = true;
      here_ += std::this_thread::get_id() == submitting_ ? 1 : 0;
      changed_.Signal();
    };
    batcher_.Submit(std::move(pending));
    MutexLock lock(&mu_);
    while (!answered_) changed_.Wait(&mu_);
  }

  int answered_here() {
    MutexLock lock(&mu_);
    return here_;
  }

 private:
  Batcher& batcher_;
  const std::thread::id submitting_ = std::this_thread::get_id();
  Mutex mu_;
  CondVar changed_;
  bool answered_ ABSL_GUARDED_BY(mu_) = false;
  int here_ ABSL_GUARDED_BY(mu_) = 0;  // Answers on the thread that submits.
};

// From Submit() to the answer. pause: before each. here: not null: filled with the share of answers that came within
// Submit().
Count CountOfBatcher(const BatcherOptions& options, Predictor& predictor, const std::shared_ptr<const ModelSpec>& spec,
                     const SnapshotStore& snapshots, const std::vector<std::unique_ptr<OwnedRequest>>& requests,
                     absl::Duration pause = absl::ZeroDuration(), double* here = nullptr) {
  Metrics metrics(spec);
  const SystemClock clock;
  Batcher batcher(options, predictor, snapshots, metrics, clock);
  Submitter submitter(batcher);
  const Count count = CountOf(
      [&](const OwnedRequest& request) {
        absl::SleepFor(pause);
        submitter.Score(request.request());
      },
      requests);
  if (here != nullptr) *here = static_cast<double>(submitter.answered_here()) / (kWarmUp + kCounted);
  return count;
}

int Run(int argc, char** argv) {
  const int64_t candidates = argc > 1 ? std::atoll(argv[1]) : 100;
  const auto spec = ReferenceSpec();
  const std::shared_ptr<const Snapshot> snapshot = Check(LearnedReference(spec)->MakeSnapshot(1, 0));
  const auto requests = ReferenceRequests(spec, kRequests, candidates);
  const bool told_apart = TellOneDnnApart();

  const FeatureEncoder encoder(spec, HashKey());
  EncodedBatch batch;
  const Count encoding = CountOf(
      [&](const OwnedRequest& request) {
        batch.Clear();
        encoder.AppendRequest(static_cast<const TorchSnapshot&>(*snapshot).statistics(), 0, request.context(),
                              request.candidates(), batch);
      },
      requests);

  const std::unique_ptr<Predictor> predictor = Check(CreatePredictor(spec, HashKey(), "cpu"));
  ScoreResult result;
  const Count scoring = CountOf(
      [&](const OwnedRequest& request) {
        Check(predictor->ScoreInto(*snapshot, absl::MakeConstSpan(&request.request(), 1), absl::MakeSpan(&result, 1)));
      },
      requests);

  SnapshotStore snapshots;
  Check(snapshots.Publish(snapshot));
  const Count whole = CountOfBatcher({.min_batch_rows = candidates, .max_batch_rows = candidates, .max_inline_rows = 0},
                                     *predictor, spec, snapshots, requests);
  const int64_t part = std::max<int64_t>(1, candidates / 4);
  const Count in_parts =
      CountOfBatcher({.threads = 2, .min_batch_rows = part, .max_batch_rows = part, .max_inline_rows = 0}, *predictor,
                     spec, snapshots, requests);
  double here = 0;
  const Count at_once = CountOfBatcher(BatcherOptions(), *predictor, spec, snapshots,
                                       ReferenceRequests(spec, kRequests, 1), kAlone, &here);

  PrintFigure("heap allocations of a Predict after warm-up in encode, batch and forward",
              std::max({whole.ours, in_parts.ours, at_once.ours}), AtMost(0, ""),
              absl::StrFormat(
                  "our code, %d candidates: encoding %.3g, predictor %.3g, with the batcher %.3g, in parts %.3g; one "
                  "candidate, %.0f %% on its caller's thread, %.3g; oneDNN's own code %s",
                  candidates, encoding.ours, scoring.ours, whole.ours, in_parts.ours, 100 * here, at_once.ours,
                  told_apart ? absl::StrFormat("beside that %.3g", whole.of_onednn) : "not told apart"));
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
