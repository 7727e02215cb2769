#include "model/serving/torch_snapshot.h"

#include <torch/torch.h>

namespace polyscene {

torch::Tensor NetworkInputs(const torch::Tensor& embeddings, const EncodedBatch& batch, int64_t dense_width,
                            torch::Device device) {
  if (dense_width == 0) return embeddings;
  const torch::Tensor dense = torch::from_blob(const_cast<float*>(batch.dense.data()), {batch.rows, dense_width});
  // Copied in any case: autograd keeps the inputs, and the batch is refilled by the next step.
  if (!embeddings.defined()) return dense.clone().to(device);
  return torch::cat({embeddings, dense.to(device)}, 1);
}

int64_t InputWidth(const ModelSpec& spec) { return EmbeddingWidth(spec) + spec.dense_width(); }

std::vector<torch::Tensor> ForwardSnapshot(const Network& network, const TorchSnapshot& snapshot,
                                           const EncodedBatch& batch, int64_t dense_width, torch::Device device,
                                           absl::Span<const WantedTask> wanted) {
  const torch::Tensor embeddings = snapshot.tables().Embed(batch, network.Attention(snapshot.parameters()));
  const torch::Tensor inputs = NetworkInputs(embeddings, batch, dense_width, device);
  return network.Forward(snapshot.parameters(), inputs, batch.scenes, wanted);
}

}  // namespace polyscene
