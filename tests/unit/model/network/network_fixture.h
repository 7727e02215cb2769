// A network apart from everything around it, in double precision, with weights that a test sets by name.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/network/network.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Two numbers a row, `a` and `b`; scene shop (0) with click (task 0) and spend (1), search (1) with click alone.
inline std::string NumbersModel(const std::string& network) {
  return R"(
    name: "tiny"
    features { name: "a" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    features { name: "b" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click", "spend"] }
    scenes { name: "search" tasks: ["click"] }
    tasks { name: "click" binary {} }
    tasks { name: "spend" regression {} }
    network { )" +
         network + " }";
}

// Row numbers of a wanted task.
inline torch::Tensor Numbers(const std::vector<int64_t>& rows) { return torch::tensor(rows, torch::kInt64); }

class NetworkUnderTest {
 public:
  // inputs: of a row, embeddings first, as model_text's features make them. Weights start at zero.
  NetworkUnderTest(const std::string& model_text, int64_t inputs)
      : spec_(Parse(model_text)),
        network_(CreateNetwork(*spec_, inputs)),
        inputs_(inputs),
        parameters_(network_->layout(), torch::zeros({network_->layout().count()}, torch::kFloat64)) {}

  // Weights as a new model has them, moved a little so that what starts neutral is not; biases up, so that no layer is
  // silent.
  void Randomize() {
    torch::manual_seed(7);
    const torch::Tensor initial = network_->layout().InitialValues(5).to(torch::kFloat64);
    parameters_.flat.copy_(initial + 0.3 * torch::randn({initial.numel()}, torch::kFloat64));
    for (const ParameterSpec& spec : network_->layout().specs()) {
      if (spec.bias) parameters_.flat.narrow(0, spec.offset, spec.count).add_(0.5);
    }
  }
  void Initialize() { parameters_.flat.copy_(network_->layout().InitialValues(5)); }

  // All values of a matrix, row by row; fails where there is none of that name and size.
  void Set(const std::string& name, const std::vector<double>& values) {
    for (const ParameterSpec& spec : network_->layout().specs()) {
      if (spec.name != name) continue;
      ASSERT_EQ(spec.count, static_cast<int64_t>(values.size())) << name;
      parameters_.flat.narrow(0, spec.offset, spec.count).copy_(torch::tensor(values, torch::kFloat64));
      return;
    }
    FAIL() << "no matrix " << name;
  }

  // Logits of every task for rows of these scenes: [tasks] of [rows x outputs].
  std::vector<std::vector<double>> Logits(const std::vector<double>& rows, const std::vector<int32_t>& scenes) {
    std::vector<std::vector<double>> values;
    for (const torch::Tensor& logits : Forward(Rows(rows), scenes, Everything())) {
      const torch::Tensor flat = logits.detach().contiguous();
      values.emplace_back(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
    }
    return values;
  }

  std::vector<torch::Tensor> Forward(const torch::Tensor& inputs, const std::vector<int32_t>& scenes,
                                     const std::vector<WantedTask>& wanted) const {
    return network_->Forward(parameters_.leaves, inputs, scenes, wanted);
  }

  std::vector<WantedTask> Everything() const {
    std::vector<WantedTask> wanted(spec_->tasks().size());
    for (size_t t = 0; t < wanted.size(); ++t) wanted[t].task = static_cast<int>(t);
    return wanted;
  }

  torch::Tensor Rows(const std::vector<double>& values) const {
    return torch::tensor(values, torch::kFloat64).view({-1, inputs_});
  }
  torch::Tensor RandomRows(int64_t count) const {
    torch::manual_seed(11);
    return torch::randn({count, inputs_}, torch::kFloat64);
  }

  const ModelSpec& spec() const { return *spec_; }
  const ParameterLayout& layout() const { return network_->layout(); }
  TrainedParameters& parameters() { return parameters_; }

 private:
  static std::shared_ptr<const ModelSpec> Parse(const std::string& text) {
    auto spec = ModelSpec::Parse(text, "test.textproto");
    if (!spec.ok()) ADD_FAILURE() << spec.status();
    return *spec;
  }

  const std::shared_ptr<const ModelSpec> spec_;
  const std::unique_ptr<Network> network_;
  const int64_t inputs_;
  TrainedParameters parameters_;
};

}  // namespace polyscene
