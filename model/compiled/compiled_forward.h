// Scores requests by a compiled network: encodes, gathers and computes in chunks of rows that fit the caches.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "absl/types/span.h"
#include "model/compiled/compiled_network.h"
#include "model/compiled/input_rows.h"
#include "model/compiled/workspace.h"
#include "model/feature/encoder.h"
#include "model/loss/calibrations.h"
#include "model/serving/predictor.h"

namespace polyscene {

// What of a snapshot it reads.
struct ServedWeights {
  const PackedWeights* dense = nullptr;
  const FrozenTables* tables = nullptr;
  const FeatureStatistics* statistics = nullptr;
  const Calibrations* calibrations = nullptr;
};

// Any thread. A request of many candidates has chunks of its own, whose first layers compute what its context
// contributes once; small requests of one scene share chunks.
class CompiledForward {
 public:
  CompiledForward(std::shared_ptr<const CompiledNetwork> network, HashKey key);
  ~CompiledForward();

  const CompiledNetwork& network() const { return *network_; }

  // Fills `results`, as Predictor::ScoreInto() does. Throws dnnl::error or std::bad_alloc where memory is spent.
  void Score(const ServedWeights& weights, absl::Span<const ScoreRequest> requests, absl::Span<ScoreResult> results);

 private:
  class Worker;

  std::unique_ptr<Worker> Take();
  void GiveBack(std::unique_ptr<Worker> worker);

  const std::shared_ptr<const CompiledNetwork> network_;
  const FeatureEncoder encoder_;
  std::mutex mu_;
  size_t workers_ = 0;  // As many as ever ran at once.
  std::vector<std::unique_ptr<Worker>> idle_;  // Of them; the last one used, whose memory is warm, first.
};

}  // namespace polyscene
