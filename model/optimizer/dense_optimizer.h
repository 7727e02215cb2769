// Updates the flat dense weights from their flat gradient.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "polyscene/v1/model.pb.h"

namespace polyscene {

// Threads: one, the trainer.
class DenseOptimizer {
 public:
  virtual ~DenseOptimizer() = default;

  // One update of `weights` [n], in place. `step`: number of this update, from 1.
  virtual void Step(torch::Tensor& weights, const torch::Tensor& gradient, uint64_t step) = 0;

  // The state to save and restore, by name: [n] each, shared with the optimizer.
  virtual std::vector<std::pair<std::string, torch::Tensor>> state() const = 0;
};

// Stochastic gradient descent: w -= rate x g.
class Sgd : public DenseOptimizer {
 public:
  explicit Sgd(const v1::Sgd& options) : rate_(options.learning_rate()) {}
  void Step(torch::Tensor& weights, const torch::Tensor& gradient, uint64_t step) override;
  std::vector<std::pair<std::string, torch::Tensor>> state() const override { return {}; }

 private:
  const double rate_;
};

// Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, with bias correction.
class Adam : public DenseOptimizer {
 public:
  Adam(const v1::Adam& options, const torch::Tensor& like);
  void Step(torch::Tensor& weights, const torch::Tensor& gradient, uint64_t step) override;
  std::vector<std::pair<std::string, torch::Tensor>> state() const override;

 private:
  const double rate_;
  const double beta1_;
  const double beta2_;
  const double epsilon_;
  torch::Tensor mean_;      // First moment.
  torch::Tensor variance_;  // Second, uncentred.
};

std::unique_ptr<DenseOptimizer> CreateDenseOptimizer(const v1::DenseOptimizer& options, const torch::Tensor& weights);

}  // namespace polyscene
