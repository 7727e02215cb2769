// The network by hand gives the logits and the gradients that autograd finds through LibTorch's: over networks, scenes,
// and what is wanted of whom.
#include "model/fused/fused_network.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/fused/fused_pass.h"
#include "model/serving/torch_snapshot.h"
#include "tests/support/network_zoo.h"

namespace polyscene {
namespace {

// Rows, and what is wanted of them.
struct Batch {
  torch::Tensor inputs;  // A leaf.
  std::vector<int32_t> scenes;
  std::vector<WantedTask> wanted;
  std::vector<torch::Tensor> factors;  // [wanted] A loss is the sum of the logits times these: 0 where a row's scene
                                       // does not have the task.
};

// Both networks of one model, with the same weights.
class Networks {
 public:
  explicit Networks(const std::string& network)
      : spec_(ParseZoo(ZooText(network, ""))),
        width_(InputWidth(*spec_)),
        reference_(CreateNetwork(*spec_, width_)),
        fused_(CreateTrainedNetwork(*spec_, width_)),
        parameters_(reference_->layout(), Values()) {}

  const ModelSpec& spec() const { return *spec_; }
  TrainedParameters& parameters() { return parameters_; }
  const Network& reference() const { return *reference_; }
  const Network& fused() const { return *fused_; }

  Batch Rows(int64_t rows, int scenes) {
    Batch batch;
    batch.inputs = torch::randn({rows, width_}).requires_grad_(true);
    for (int64_t r = 0; r < rows; ++r) batch.scenes.push_back(static_cast<int32_t>(random_() % scenes));
    return batch;
  }

  // all: every task of every row; else of about two thirds of the tasks, half of them of some rows alone.
  void Want(bool all, Batch& batch) {
    const auto rows = static_cast<int64_t>(batch.scenes.size());
    for (size_t t = 0; t < spec_->tasks().size(); ++t) {
      if (!all && random_() % 3 == 0) continue;
      WantedTask& want = batch.wanted.emplace_back();
      want.task = static_cast<int>(t);
      std::vector<int64_t> numbers;
      for (int64_t r = 0; r < rows; ++r) {
        if (random_() % 3 == 0) numbers.push_back(r);
      }
      if (!all && random_() % 2 == 0 && !numbers.empty()) want.rows = torch::tensor(numbers, torch::kInt64);
      AddFactors(want, rows, batch);
    }
  }

  struct Result {
    std::vector<torch::Tensor> logits;
    torch::Tensor inputs;  // Gradients.
    torch::Tensor flat;
  };
  Result Run(const Network& network, Batch& batch) {
    batch.inputs.mutable_grad() = torch::Tensor();
    parameters_.flat_gradient.zero_();
    Result result;
    result.logits = network.Forward(parameters_.leaves, batch.inputs, batch.scenes, batch.wanted);
    Loss(result.logits, batch).backward();
    result.inputs = batch.inputs.grad().clone();
    result.flat = parameters_.flat_gradient.clone();
    return result;
  }
  static torch::Tensor Loss(const std::vector<torch::Tensor>& logits, const Batch& batch) {
    torch::Tensor sum = torch::zeros({});
    for (size_t w = 0; w < logits.size(); ++w) sum = sum + (logits[w] * batch.factors[w]).sum();
    return sum;
  }

  void ExpectEqual(Batch& batch) {
    const Result expected = Run(*reference_, batch);
    const Result got = Run(*fused_, batch);
    for (size_t w = 0; w < batch.wanted.size(); ++w) {
      ASSERT_EQ(got.logits[w].sizes(), expected.logits[w].sizes());
      const torch::Tensor counts = batch.factors[w] != 0;
      ExpectNear(got.logits[w] * counts, expected.logits[w] * counts,
                 absl::StrCat("logits of task ", batch.wanted[w].task));
    }
    ExpectNear(got.inputs, expected.inputs, "the inputs' gradient");
    for (const ParameterSpec& spec : reference_->layout().specs()) {
      ExpectNear(got.flat.narrow(0, spec.offset, spec.count), expected.flat.narrow(0, spec.offset, spec.count),
                 absl::StrCat("gradient of ", spec.name));
    }
  }

  static void ExpectNear(const torch::Tensor& got, const torch::Tensor& expected, const std::string& what) {
    const double largest = std::max(1.0, expected.detach().abs().max().item<double>());
    EXPECT_LE((got - expected).detach().abs().max().item<double>(), 2e-5 * largest) << what;
  }

 private:
  // Moved a little, so that what starts neutral is not.
  torch::Tensor Values() const {
    torch::manual_seed(7);
    const torch::Tensor initial = reference_->layout().InitialValues(5);
    return initial + 0.2 * torch::randn({initial.numel()});
  }

  void AddFactors(const WantedTask& want, int64_t rows, Batch& batch) const {
    const int outputs = spec_->tasks()[want.task].outputs;
    torch::Tensor factors = torch::randn({rows, outputs});
    for (int64_t r = 0; r < rows; ++r) {
      if (!spec_->scenes()[batch.scenes[r]].has_task[want.task]) factors[r].zero_();
    }
    batch.factors.push_back(want.rows.defined() ? factors.index_select(0, want.rows) : factors);
  }

  const std::shared_ptr<const ModelSpec> spec_;
  const int64_t width_;
  const std::unique_ptr<Network> reference_;
  const std::unique_ptr<Network> fused_;
  TrainedParameters parameters_;
  std::mt19937 random_{13};
};

class FusedNetworkTest : public testing::TestWithParam<const char*> {};

TEST_P(FusedNetworkTest, EqualsTheReferenceWhereEverythingIsWanted) {
  Networks networks(GetParam());
  for (const int scenes : {1, 2, 3}) {
    SCOPED_TRACE(absl::StrCat(scenes, " scenes"));
    Batch batch = networks.Rows(70, scenes);
    networks.Want(/*all=*/true, batch);
    networks.ExpectEqual(batch);
  }
}

TEST_P(FusedNetworkTest, EqualsTheReferenceWhereSomeRowsAreWanted) {
  Networks networks(GetParam());
  for (int i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    Batch batch = networks.Rows(90 + 13 * i, 3);
    networks.Want(/*all=*/false, batch);
    if (!batch.wanted.empty()) networks.ExpectEqual(batch);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, FusedNetworkTest, testing::ValuesIn(kZooNetworks));

constexpr char kGated[] = "mmoe { experts: 3 hidden: [8, 6] } tower: [5, 4] scene_adaptation: GATE";

TEST(FusedNetworkPassTest, TakesMoreRowsThanAChunkHas) {
  Networks networks(kGated);
  Batch batch = networks.Rows(3 * FusedPass::kMostRows + 5, 2);
  networks.Want(/*all=*/true, batch);
  networks.ExpectEqual(batch);
}

TEST(FusedNetworkPassTest, OneTaskAfterTheOtherAddsUpToAllTogether) {
  Networks networks(kGated);
  Batch batch = networks.Rows(80, 3);
  networks.Want(/*all=*/true, batch);
  const Networks::Result together = networks.Run(networks.fused(), batch);

  const std::vector<torch::Tensor> logits =
      networks.fused().Forward(networks.parameters().leaves, batch.inputs, batch.scenes, batch.wanted);
  torch::Tensor sum = torch::zeros_like(batch.inputs);
  for (size_t w = 0; w < logits.size(); ++w) {
    const torch::Tensor loss = (logits[w] * batch.factors[w]).sum();
    sum += torch::autograd::grad({loss}, {batch.inputs}, {}, /*retain_graph=*/true)[0];
  }
  Networks::ExpectNear(sum, together.inputs, "the inputs' gradient");
}

TEST(FusedNetworkPassTest, GraphsThatLiveAtOnceDoNotDisturbEachOther) {
  Networks networks(kGated);
  Batch first = networks.Rows(80, 3);
  networks.Want(/*all=*/true, first);
  const Networks::Result expected = networks.Run(networks.fused(), first);

  first.inputs.mutable_grad() = torch::Tensor();
  const std::vector<torch::Tensor> logits =
      networks.fused().Forward(networks.parameters().leaves, first.inputs, first.scenes, first.wanted);
  Batch second = networks.Rows(100, 3);
  networks.Want(/*all=*/true, second);
  networks.Run(networks.fused(), second);
  Networks::Loss(logits, first).backward();
  EXPECT_TRUE(torch::equal(first.inputs.grad(), expected.inputs));
}

TEST(FusedNetworkPassTest, WithoutGradientsIsTheReference) {
  Networks networks(kGated);
  Batch batch = networks.Rows(20, 2);
  networks.Want(/*all=*/true, batch);
  const torch::NoGradGuard no_grad;
  const auto forward = [&](const Network& network) {
    return network.Forward(networks.parameters().leaves, batch.inputs, batch.scenes, batch.wanted);
  };
  const std::vector<torch::Tensor> expected = forward(networks.reference());
  const std::vector<torch::Tensor> got = forward(networks.fused());
  for (size_t w = 0; w < got.size(); ++w) EXPECT_TRUE(torch::equal(got[w], expected[w]));
}

TEST(FusedNetworkPassTest, FewRowsOfEachSceneAreTheReference) {
  Networks networks(kGated);
  Batch batch = networks.Rows(10, 3);
  networks.Want(/*all=*/true, batch);
  const Networks::Result expected = networks.Run(networks.reference(), batch);
  const Networks::Result got = networks.Run(networks.fused(), batch);
  for (size_t w = 0; w < got.logits.size(); ++w) EXPECT_TRUE(torch::equal(got.logits[w], expected.logits[w]));
  EXPECT_TRUE(torch::equal(got.flat, expected.flat));
}

TEST(FusedNetworkPassTest, RefusesGradientsOfItsGradients) {
  Networks networks(kGated);
  Batch batch = networks.Rows(20, 1);
  networks.Want(/*all=*/true, batch);
  const std::vector<torch::Tensor> logits =
      networks.fused().Forward(networks.parameters().leaves, batch.inputs, batch.scenes, batch.wanted);
  EXPECT_THROW(torch::autograd::grad({Networks::Loss(logits, batch)}, {batch.inputs}, {}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               c10::Error);
}

}  // namespace
}  // namespace polyscene
