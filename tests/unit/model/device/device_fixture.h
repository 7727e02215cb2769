// One learner's model, scored by the reference on the CPU and by the forward of a device.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/device/device_forward.h"
#include "model/learning/learner.h"
#include "model/serving/torch_snapshot.h"
#include "tests/support/network_zoo.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

// The CPU, and the first GPU where LibTorch sees one.
inline std::vector<const char*> Devices() {
  std::vector<const char*> devices = {"cpu"};
  if (ResolveDevice("cuda:0").ok()) devices.push_back("cuda:0");
  return devices;
}

inline ServedOnDevice OnDevice(const Snapshot& snapshot) {
  const auto& of_torch = static_cast<const TorchSnapshot&>(snapshot);
  return {
      {of_torch.dense(), &of_torch.parameters(), &of_torch.tables()}, &of_torch.statistics(), &of_torch.calibrations()};
}

inline std::vector<ScoreResult> ScoreOn(DeviceForward& forward, const ServedOnDevice& served,
                                        absl::Span<const ScoreRequest> requests) {
  std::vector<ScoreResult> results(requests.size());
  forward.Score(served, requests, absl::MakeSpan(results));
  return results;
}

// Few and small, so that batches of some hundred rows are filled up, and taken apart.
inline DeviceForwardOptions SmallBuckets(int lanes = 1) {
  DeviceForwardOptions options;
  options.lanes = lanes;
  options.buckets = {8, 16, 128};
  return options;
}

// The model is learned on the CPU, and loaded on the device: learning there would round otherwise.
class DeviceModel {
 public:
  // serving: what the model file says of it on the device.
  DeviceModel(const std::string& device, const std::string& network, const std::string& serving = "", int steps = 12)
      : DeviceModel(device, ZooText(network, "forward: LIBTORCH"), ZooText(network, serving), SmallBuckets(), steps) {}

  DeviceModel(const std::string& device, const std::string& reference_text, const std::string& device_text,
              DeviceForwardOptions options, int steps)
      : spec_(ParseZoo(reference_text)), device_spec_(ParseZoo(device_text)), device_(device) {
    reference_learner_ = *CreateLearner(spec_, LearnerOptions());
    if (steps > 0) LearnZoo(*reference_learner_, *spec_, 3, steps);
    predictor_ = *CreatePredictor(spec_, HashKey(), "cpu");
    on_device_ = *CreatePredictor(spec_, HashKey(), device_);
    Publish();
    auto created = DeviceForward::Create(device_spec_, HashKey(), torch::Device(device_), std::move(options));
    if (!created.ok()) ADD_FAILURE() << created.status();
    forward_ = *std::move(created);
  }

  // What the reference learner knows by now, for both ways.
  void Publish() {
    ++version_;
    auto made = reference_learner_->MakeSnapshot(version_, 0);
    if (!made.ok()) ADD_FAILURE() << made.status();
    reference_ = *made;
    const auto path = directory_.path() / absl::StrCat(version_);
    const absl::Status saved = reference_learner_->SaveCheckpoint(path, 0);
    if (!saved.ok()) ADD_FAILURE() << saved;
    LearnerOptions options;
    options.device = device_;
    auto loaded = LoadLearner(device_spec_, options, path);
    if (!loaded.ok()) ADD_FAILURE() << loaded.status();
    device_learner_ = std::move(loaded->learner);
    snapshot_ = *device_learner_->MakeSnapshot(version_, 0);
  }

  void Learn(uint32_t seed) { LearnZoo(*reference_learner_, *spec_, seed, 4); }

  std::vector<ScoreResult> Reference(std::vector<ZooRequest>& requests) {
    return *predictor_->Score(*reference_, Views(requests));
  }
  std::vector<ScoreResult> Score(std::vector<ZooRequest>& requests) {
    return ScoreOn(*forward_, OnDevice(*snapshot_), Views(requests));
  }
  // What another forward than the one under test answers on a snapshot of device_learner().
  std::vector<ScoreResult> Expected(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests) {
    return *on_device_->Score(snapshot, requests);
  }
  void ExpectEqual(std::vector<ZooRequest>& requests, float tolerance) {
    ExpectScoresNear(Score(requests), Reference(requests), tolerance);
  }

  static std::vector<ScoreRequest> Views(std::vector<ZooRequest>& requests) {
    std::vector<ScoreRequest> views;
    for (ZooRequest& request : requests) views.push_back(request.View());
    return views;
  }

  const ModelSpec& spec() const { return *spec_; }
  DeviceForward& forward() { return *forward_; }
  Learner& device_learner() { return *device_learner_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  const std::shared_ptr<const ModelSpec> device_spec_;
  const std::string device_;
  TempDirectory directory_;
  uint64_t version_ = 0;
  std::unique_ptr<Learner> reference_learner_;
  std::unique_ptr<Learner> device_learner_;
  std::unique_ptr<Predictor> predictor_;
  std::unique_ptr<Predictor> on_device_;
  std::shared_ptr<const Snapshot> reference_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<DeviceForward> forward_;
};

}  // namespace polyscene
