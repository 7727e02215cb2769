// Scores requests on a device: the same network as the reference, on memory that stays where it is.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/device/device_lane.h"
#include "model/feature/encoder.h"
#include "model/feature/statistics.h"
#include "model/loss/calibrations.h"
#include "model/serving/predictor.h"

namespace polyscene {

struct DeviceForwardOptions {
  // Batches that are on their way at once: while one is computed, the rows of others are looked up. Each lane has
  // graphs of its own.
  int lanes = 4;
  // A batch of fewer rows costs what launching its work costs. Powers of two, so that less than half is for nothing.
  std::vector<int64_t> buckets = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
};

// What of a snapshot it reads.
struct ServedOnDevice {
  DeviceWeights weights;
  const FeatureStatistics* statistics = nullptr;
  const Calibrations* calibrations = nullptr;
};

// Any thread; where all lanes are taken it waits for one. All tasks of a request's scene are computed, whichever are
// asked for, so that a scene has one graph a bucket.
class DeviceForward {
 public:
  // Any device, the CPU too, where it is proven.
  //   kUnimplemented      the model file asks for the reference
  //   kInternal           the device cannot do it; why
  //   kResourceExhausted  it has no memory for it
  static absl::StatusOr<std::unique_ptr<DeviceForward>> Create(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                               torch::Device device, DeviceForwardOptions options = {});

  // As Predictor::ScoreInto(). Returns once the device is done with the snapshot. Throws what LibTorch throws.
  void Score(const ServedOnDevice& served, absl::Span<const ScoreRequest> requests, absl::Span<ScoreResult> results);

  std::string Describe() const;  // For people: "CUDA graphs, bfloat16, cuda:0".

 private:
  class LaneUse;

  DeviceForward(std::shared_ptr<const ModelSpec> spec, HashKey key, torch::Device device, DeviceForwardOptions options);

  std::unique_ptr<DeviceLane> Take(const DeviceWeights& weights);
  void GiveBack(std::unique_ptr<DeviceLane> lane);
  // Logits of a batch of one scene: [rows, DevicePlan::outputs()].
  void Compute(const DeviceWeights& weights, int scene, const EncodedBatch& batch, std::vector<float>& logits);
  // The request's scores from its rows of them.
  void Serve(const ServedOnDevice& served, const ScoreRequest& request, const float* logits, ScoreResult& result) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const FeatureEncoder encoder_;
  const DevicePlan plan_;
  std::mutex mu_;
  std::condition_variable lane_is_idle_;
  std::vector<std::unique_ptr<DeviceLane>> idle_;
};

}  // namespace polyscene
