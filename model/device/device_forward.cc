#include "model/device/device_forward.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/feature/label_scale.h"
#include "model/loss/served_values.h"
#include "model/serving/ranking.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {

// A lane, from its taking until it is given back, with nothing on its way: whoever gives the snapshot away behind a
// failure may do so.
class DeviceForward::LaneUse {
 public:
  LaneUse(DeviceForward& forward, const DeviceWeights& weights) : forward_(forward), lane_(forward.Take(weights)) {}
  ~LaneUse() {
    lane_->Settle();
    forward_.GiveBack(std::move(lane_));
  }
  LaneUse(const LaneUse&) = delete;
  LaneUse& operator=(const LaneUse&) = delete;

  DeviceLane* operator->() const { return lane_.get(); }

 private:
  DeviceForward& forward_;
  std::unique_ptr<DeviceLane> lane_;
};

absl::StatusOr<std::unique_ptr<DeviceForward>> DeviceForward::Create(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                                     torch::Device device,
                                                                     DeviceForwardOptions options) {
  if (spec->file().serving().forward() == v1::Serving::LIBTORCH) return absl::UnimplementedError("serving.forward");
  return CatchTorch("device", [&] {
    return std::unique_ptr<DeviceForward>(new DeviceForward(std::move(spec), key, device, std::move(options)));
  });
}

DeviceForward::DeviceForward(std::shared_ptr<const ModelSpec> spec, HashKey key, torch::Device device,
                             DeviceForwardOptions options)
    : spec_(std::move(spec)), encoder_(spec_, key), plan_(spec_, device, std::move(options.buckets)) {
  for (int i = 0; i < options.lanes; ++i) idle_.push_back(std::make_unique<DeviceLane>(plan_));
}

std::string DeviceForward::Describe() const {
  const absl::string_view arithmetic = plan_.arithmetic() == torch::kBFloat16 ? "bfloat16" : "float32";
  return absl::StrCat(DescribeWorkRecorder(plan_.device()), ", ", arithmetic, ", ", plan_.device().str());
}

std::unique_ptr<DeviceLane> DeviceForward::Take(const DeviceWeights& weights) {
  std::unique_lock<std::mutex> lock(mu_);
  lane_is_idle_.wait(lock, [this] { return !idle_.empty(); });
  // Rather one that has the snapshot's weights already, and of those the one used last, which was idle the least.
  const auto has = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& lane) { return lane->Has(weights); });
  if (has != idle_.rend()) std::swap(*has, idle_.back());
  std::unique_ptr<DeviceLane> lane = std::move(idle_.back());
  idle_.pop_back();
  return lane;
}

void DeviceForward::GiveBack(std::unique_ptr<DeviceLane> lane) {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    idle_.push_back(std::move(lane));
  }
  lane_is_idle_.notify_one();
}

void DeviceForward::Compute(const DeviceWeights& weights, int scene, const EncodedBatch& batch,
                            std::vector<float>& logits) {
  logits.clear();
  const LaneUse lane(*this, weights);
  lane->Begin(weights, scene, batch);
  while (lane->StageNext() > 0) {
    lane->Send();
    lane->Compute();
    lane->Fetch();
    const absl::Span<const float> part = lane->Wait();
    logits.insert(logits.end(), part.begin(), part.end());
  }
}

void DeviceForward::Serve(const ServedOnDevice& served, const ScoreRequest& request, const float* logits,
                          ScoreResult& result) const {
  const SceneSpec& scene = spec_->scenes()[request.scene];
  const int64_t width = plan_.outputs(request.scene);
  result.tasks.clear();
  for (const int t : request.tasks) {
    const TaskSpec& task = spec_->tasks()[t];
    int64_t column = 0;
    for (const int before : scene.tasks) {
      if (before == t) break;
      column += spec_->tasks()[before].outputs;
    }
    ScoredTask& scored = result.tasks.emplace_back();
    scored.task = t;
    scored.outputs = task.outputs;
    scored.values.resize(result.rows * task.outputs);
    for (int64_t r = 0; r < result.rows; ++r) {
      std::copy_n(logits + r * width + column, task.outputs, &scored.values[r * task.outputs]);
    }
    if (task.platt_half_life > 0) {
      CalibrateLogits(served.calibrations->At(request.scene, t), result.rows * task.outputs, scored.values.data());
    }
    ToServedValues(task, ScaleOf(task, *served.statistics), result.rows, scored.values.data());
  }
  FillRanking(scene, result);
}

void DeviceForward::Score(const ServedOnDevice& served, absl::Span<const ScoreRequest> requests,
                          absl::Span<ScoreResult> results) {
  thread_local EncodedBatch batch;  // These two per thread, so that a worker's memory is allocated once.
  thread_local std::vector<float> logits;
  static const TableView kNoCandidates;
  std::vector<size_t> order(requests.size());  // Those of one scene side by side.
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].scene < requests[b].scene; });
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const int scene = requests[order[begin]].scene;
    batch.Clear();
    for (end = begin; end < order.size() && requests[order[end]].scene == scene; ++end) {
      const ScoreRequest& request = requests[order[end]];
      const int64_t before = batch.rows;
      encoder_.AppendRequest(*served.statistics, scene, *request.context,
                             request.candidates != nullptr ? *request.candidates : kNoCandidates, batch);
      results[order[end]].rows = batch.rows - before;
    }
    Compute(served.weights, scene, batch, logits);
    const float* of_request = logits.data();
    for (size_t i = begin; i < end; ++i) {
      Serve(served, requests[order[i]], of_request, results[order[i]]);
      of_request += results[order[i]].rows * plan_.outputs(scene);
    }
  }
}

}  // namespace polyscene
