// Tasks that are products of others: behind the network, which knows of their factors alone.
// Ma et al., "Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click Conversion Rate", SIGIR
// 2018.
#pragma once

#include <memory>
#include <vector>

#include "model/network/network.h"

namespace polyscene {

// The logit of p q, of the logits of p and q. Since (1 - pq) / pq = e^-a + e^-b + e^-(a+b), it is a sum of exponentials
// that cannot overflow, and none of its derivatives leaves [0, 1], however near 0 or 1 the probabilities are. The
// cross-entropy of a label on it is that on p q.
torch::Tensor ProductLogit(const torch::Tensor& a, const torch::Tensor& b);

class ProductNetwork : public Network {
 public:
  // towers: of the tasks that have one, whose numbers among ModelSpec::towers() its wanted tasks are.
  ProductNetwork(const ModelSpec& spec, std::unique_ptr<const Network> towers);

  // wanted: products and others. A factor is computed once, for the rows of every task that needs it.
  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     absl::Span<const int32_t> scenes,
                                     absl::Span<const WantedTask> wanted) const override;

 private:
  std::vector<WantedTask> WantedTowers(absl::Span<const WantedTask> wanted, int64_t rows) const;

  const std::unique_ptr<const Network> towers_;
  std::vector<std::vector<int>> towers_of_;  // [tasks] its own, or its factors'.
};

}  // namespace polyscene
