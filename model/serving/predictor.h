// Columns in, scores out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "model/feature/hash_key.h"
#include "model/serving/snapshot.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// One validated request. Borrows its tables, which outlive the call.
struct ScoreRequest {
  int scene = 0;  // Index into ModelSpec::scenes().
  const TableView* context = nullptr;
  const TableView* candidates = nullptr;  // Null or empty in a scene without candidate features.
  absl::Span<const int> tasks;            // Indexes into ModelSpec::tasks(), all of them the scene's.
};

struct ScoredTask {
  int task = 0;
  int outputs = 1;
  std::vector<float> values;  // [rows, outputs], in the label's own unit: see TaskScores in prediction.proto.
};

struct ScoreResult {
  int64_t rows = 0;
  std::vector<ScoredTask> tasks;  // In the request's order.
  std::vector<float> ranking;     // [rows], or empty: see PredictResponse.ranking.
};

// Scores requests on a snapshot. Any number of threads may call it at once; each call runs on its own thread.
class Predictor {
 public:
  virtual ~Predictor() = default;

  // Scores `requests` together into `results`, as many and in their order; what those held is replaced, and its memory
  // used again. Batched or alone, a request's scores are the same up to rounding.
  //   kResourceExhausted  the device has no memory left; what `results` then hold means nothing
  virtual absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                                 absl::Span<ScoreResult> results) = 0;

  // The same into results of their own, for those who score now and then.
  absl::StatusOr<std::vector<ScoreResult>> Score(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests) {
    std::vector<ScoreResult> results(requests.size());
    if (absl::Status status = ScoreInto(snapshot, requests, absl::MakeSpan(results)); !status.ok()) return status;
    return results;
  }
};

// On `device` ("cpu" or "cuda:N", as the Learner's whose snapshots it gets): on the CPU by the compiled forward or by
// LibTorch's, as those snapshots are made for; on a GPU by the network's operations recorded in CUDA graphs, or by
// LibTorch's forward.
absl::StatusOr<std::unique_ptr<Predictor>> CreatePredictor(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                           const std::string& device);

// Which of them it is and why, for people: "compiled, float32, AVX-512", "LibTorch, CUDA graphs, float32, cuda:0",
// "LibTorch (serving.forward)".
std::string DescribeForward(const std::shared_ptr<const ModelSpec>& spec, const std::string& device);

}  // namespace polyscene
