// What one batch at a time is computed with on a device: a queue, memory that stays where it is, and the network's
// operations on it, recorded for each scene and bucket.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/device/device_inputs.h"
#include "model/device/device_plan.h"
#include "model/device/device_queue.h"
#include "model/device/work_recorder.h"
#include "model/embedding/embedding_tables.h"

namespace polyscene {

// What of a snapshot a lane reads; outlives the wait for its last batch.
struct DeviceWeights {
  torch::Tensor dense;                     // All parameters, flat, as ParameterLayout has them; on the device.
  const Parameters* parameters = nullptr;  // Views into it.
  const FrozenTables* tables = nullptr;
};

// The weights lie in the lane's own memory, where recorded work finds them. The first batch of another snapshot copies
// its dense weights there, on the device and in the queue's order; rows stay where they are. So a swap waits for
// nobody, records nothing anew, and batches of older snapshots may come between those of newer ones.
//
// One thread at a time. A batch: Begin(), then StageNext(), Send(), Compute(), Fetch() and Wait() for each of its
// parts. Throws what LibTorch throws; after Settle() the next Begin() goes on from there.
class DeviceLane {
 public:
  explicit DeviceLane(const DevicePlan& plan);  // Records everything, within some milliseconds a scene and bucket.

  bool Has(const DeviceWeights& weights) const { return dense_.defined() && dense_.is_same(weights.dense); }

  // Rows of one scene, any number; `batch` and what `weights` names outlive its parts.
  void Begin(const DeviceWeights& weights, int scene, const EncodedBatch& batch);

  int64_t StageNext();  // On the host: the next part, of at most DevicePlan::most_rows(). Its rows; 0: there are none.
  void Send();          // To the device, in one copy.
  void Compute();       // From what was sent to logits, on the device.
  void Fetch();         // The logits from the device, in one copy.
  // Waits for all of it: [rows, outputs(scene)], valid until the next part is fetched.
  absl::Span<const float> Wait();

  // Waits for what a batch that failed may have left behind. A device that cannot even wait does nothing any more.
  void Settle() noexcept;

  int64_t bytes_sent() const { return inputs_of_batch_.bytes_sent(); }  // Of the part.

 private:
  void Record(int scene, size_t bucket);
  torch::Tensor Logits(int64_t rows) const;  // [rows, outputs of scene_]

  const DevicePlan& plan_;
  const DeviceQueue queue_;
  DeviceInputs inputs_of_batch_;
  torch::Tensor inputs_;   // [most rows, inputs a row]
  torch::Tensor logits_;   // Flat: of any scene's [rows, outputs].
  torch::Tensor fetched_;  // The same in host memory, pinned where the device is a GPU.
  torch::Tensor weights_;  // The snapshot's dense weights, in the plan's arithmetic.
  Parameters parameters_;  // Views into them.
  torch::Tensor dense_;    // Whose copy they are.
  std::unique_ptr<WorkRecorder> recorder_;
  std::vector<std::vector<std::function<void()>>> forwards_;  // [scenes][buckets], recorded.

  DeviceWeights of_batch_;
  int scene_ = 0;
  bool waited_ = true;     // Nothing is on its way.
  int64_t rows_left_ = 0;  // Of the batch.
  int64_t rows_ = 0;       // Of the part.
};

}  // namespace polyscene
