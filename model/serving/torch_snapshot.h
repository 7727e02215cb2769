// What a snapshot is made of where LibTorch scores it.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "model/embedding/embedding_tables.h"
#include "model/feature/statistics.h"
#include "model/loss/calibrations.h"
#include "model/network/network.h"
#include "model/serving/snapshot.h"

namespace polyscene {

class CompiledNetwork;
struct PackedWeights;

// The dense weights once more, as the compiled forward reads them; null where LibTorch serves.
struct CompiledWeights {
  std::shared_ptr<const CompiledNetwork> network;
  std::shared_ptr<const PackedWeights> packed;
};

class TorchSnapshot : public Snapshot {
 public:
  // dense: all parameters, flat, as `layout` has them.
  TorchSnapshot(SnapshotInfo info, const ParameterLayout& layout, torch::Tensor dense,
                std::shared_ptr<const FrozenTables> tables, FeatureStatistics statistics, Calibrations calibrations,
                CompiledWeights compiled = {})
      : Snapshot(info),
        dense_(std::move(dense)),
        parameters_(ViewParameters(layout, dense_)),
        tables_(std::move(tables)),
        statistics_(std::move(statistics)),
        calibrations_(std::move(calibrations)),
        compiled_(std::move(compiled)) {}

  const torch::Tensor& dense() const { return dense_; }
  const Parameters& parameters() const { return parameters_; }
  const FrozenTables& tables() const { return *tables_; }
  const FeatureStatistics& statistics() const { return statistics_; }
  const Calibrations& calibrations() const { return calibrations_; }
  const CompiledWeights& compiled() const { return compiled_; }

 private:
  const torch::Tensor dense_;    // A copy of its own.
  const Parameters parameters_;  // Views into it.
  const std::shared_ptr<const FrozenTables> tables_;
  const FeatureStatistics statistics_;
  const Calibrations calibrations_;
  const CompiledWeights compiled_;
};

// The network's input from its embedding part (undefined without slots) and the batch's dense part: [rows, input
// width].
torch::Tensor NetworkInputs(const torch::Tensor& embeddings, const EncodedBatch& batch, int64_t dense_width,
                            torch::Device device);
int64_t InputWidth(const ModelSpec& spec);

// The network's logits of the batch's rows, without calibration: see Network::Forward().
std::vector<torch::Tensor> ForwardSnapshot(const Network& network, const TorchSnapshot& snapshot,
                                           const EncodedBatch& batch, int64_t dense_width, torch::Device device,
                                           absl::Span<const WantedTask> wanted);

}  // namespace polyscene
