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
  TorchSnapshot(SnapshotInfo info, Parameters parameters, std::shared_ptr<const FrozenTables> tables,
                FeatureStatistics statistics, Calibrations calibrations, CompiledWeights compiled = {})
      : Snapshot(info),
        parameters_(std::move(parameters)),
        tables_(std::move(tables)),
        statistics_(std::move(statistics)),
        calibrations_(std::move(calibrations)),
        compiled_(std::move(compiled)) {}

  const Parameters& parameters() const { return parameters_; }
  const FrozenTables& tables() const { return *tables_; }
  const FeatureStatistics& statistics() const { return statistics_; }
  const Calibrations& calibrations() const { return calibrations_; }
  const CompiledWeights& compiled() const { return compiled_; }

 private:
  const Parameters parameters_;  // Views into a copy of its own.
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
