// A task that is the product of others, within the network.
#include <cmath>

#include "model/network/product_network.h"
#include "model/spec/model_size.h"
#include "tests/unit/model/network/network_fixture.h"

namespace polyscene {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

double LogitOf(double a, double b) {
  return ProductLogit(torch::tensor(a, torch::kFloat64), torch::tensor(b, torch::kFloat64)).item<double>();
}

TEST(ProductLogit, IsTheLogitOfTheProduct) {
  EXPECT_THAT(LogitOf(0, 0), DoubleNear(std::log(0.25 / 0.75), 1e-12));
  const double p = Sigmoid(1.5) * Sigmoid(-0.7);
  EXPECT_THAT(LogitOf(1.5, -0.7), DoubleNear(std::log(p / (1 - p)), 1e-12));
}

TEST(ProductLogit, StaysFiniteAtBothEnds) {
  EXPECT_THAT(LogitOf(-500, -400), DoubleEq(-900));                     // p = e^-900, which is no double.
  EXPECT_THAT(LogitOf(500, 500), DoubleNear(500 - std::log(2), 1e-9));  // 1 - p = 2 e^-500.
  EXPECT_THAT(LogitOf(500, -3), DoubleNear(-3, 1e-12));
}

// In float, as it is learned: the cross-entropy's gradient is the logits' error, wherever they are.
TEST(ProductLogit, TheLossGivesEveryFactorAFiniteGradient) {
  for (const float a : {-200.0f, -30.0f, 0.0f, 30.0f, 200.0f}) {
    for (const float b : {-200.0f, 0.0f, 200.0f}) {
      for (const float label : {0.0f, 1.0f}) {
        const torch::Tensor za = torch::full({1, 1}, a).requires_grad_(true);
        const torch::Tensor zb = torch::full({1, 1}, b).requires_grad_(true);
        torch::binary_cross_entropy_with_logits(ProductLogit(za, zb), torch::full({1, 1}, label)).backward();
        // -log p: 1 - p_a. -log(1 - p): p / (1 - p) (1 - p_a), at most 1.
        EXPECT_LE(std::abs(za.grad().item<float>()), 1 + 1e-5) << a << " " << b << " " << label;
        EXPECT_LE(std::abs(zb.grad().item<float>()), 1 + 1e-5) << a << " " << b << " " << label;
        if (label == 0) continue;
        EXPECT_NEAR(za.grad().item<float>(), Sigmoid(a) - 1, 1e-5) << a << " " << b;
      }
    }
  }
}

TEST(ProductLogit, ItsGradientsAreTheDifferences) {
  constexpr double kStep = 1e-6;
  for (const double a : {-4.0, -0.3, 2.0}) {
    for (const double b : {-2.0, 0.1, 5.0}) {
      const torch::Tensor za = torch::tensor(a, torch::kFloat64).requires_grad_(true);
      const torch::Tensor zb = torch::tensor(b, torch::kFloat64).requires_grad_(true);
      ProductLogit(za, zb).backward();
      EXPECT_NEAR(za.grad().item<double>(), (LogitOf(a + kStep, b) - LogitOf(a - kStep, b)) / (2 * kStep), 1e-8);
      EXPECT_NEAR(zb.grad().item<double>(), (LogitOf(a, b + kStep) - LogitOf(a, b - kStep)) / (2 * kStep), 1e-8);
    }
  }
}

// The product stands first, so that no number of a task is that of its tower.
std::string Model(const std::string& network, bool product) {
  return absl::StrCat(R"(
    name: "tiny"
    features { name: "a" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    features { name: "b" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } })",
                      product ? "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\", \"keep\"] } }" : "", R"(
    tasks { name: "click" binary {} }
    tasks { name: "spend" regression {} }
    tasks { name: "buy" binary {} }
    tasks { name: "keep" binary {} }
    scenes { name: "shop" tasks: [)",
                      product ? "\"bought\", " : "", R"("click", "spend", "buy", "keep"] }
    scenes { name: "search" tasks: ["click"] }
    network { )",
                      network, " }");
}

class ProductNetworkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    with_.Randomize();
    without_.Randomize();
  }

  NetworkUnderTest with_{Model(GetParam(), true), 2};
  NetworkUnderTest without_{Model(GetParam(), false), 2};
  const torch::Tensor inputs_ = with_.RandomRows(5);
  const std::vector<int32_t> scenes_ = {0, 1, 0, 0, 1};
};

TEST_P(ProductNetworkTest, HasNoParametersOfItsOwn) {
  ASSERT_EQ(with_.layout().specs().size(), without_.layout().specs().size());
  for (size_t i = 0; i < with_.layout().specs().size(); ++i) {
    EXPECT_EQ(with_.layout().specs()[i].name, without_.layout().specs()[i].name);
    EXPECT_EQ(with_.layout().specs()[i].sizes, without_.layout().specs()[i].sizes);
  }
  EXPECT_EQ(SizeOf(with_.spec()).parameters, with_.layout().count());
}

TEST_P(ProductNetworkTest, IsTheProductOfItsFactorsAndLeavesThemAsTheyAre) {
  const std::vector<torch::Tensor> all = with_.Forward(inputs_, scenes_, with_.Everything());
  const std::vector<torch::Tensor> own = without_.Forward(inputs_, scenes_, without_.Everything());
  for (size_t t = 0; t < own.size(); ++t) EXPECT_TRUE(torch::equal(all[t + 1], own[t])) << t;
  const torch::Tensor product = own[0].sigmoid() * own[2].sigmoid() * own[3].sigmoid();
  EXPECT_TRUE(torch::allclose(all[0].sigmoid(), product));
}

TEST_P(ProductNetworkTest, RowsOfATaskAreThoseOfTheWholeWhateverItsFactorsAreWantedFor) {
  const std::vector<torch::Tensor> all = with_.Forward(inputs_, scenes_, with_.Everything());
  const torch::Tensor product_rows = Numbers({0, 3});
  const torch::Tensor click_rows = Numbers({1, 3, 4});
  const std::vector<torch::Tensor> some =
      with_.Forward(inputs_, scenes_, {{0, product_rows}, {1, click_rows}, {3, Numbers({2})}});
  EXPECT_TRUE(torch::allclose(some[0], all[0].index_select(0, product_rows)));
  EXPECT_TRUE(torch::allclose(some[1], all[1].index_select(0, click_rows)));
  EXPECT_TRUE(torch::allclose(some[2], all[3].index_select(0, Numbers({2}))));
}

TEST_P(ProductNetworkTest, ItsGradientFlowsIntoEachFactorAndNoOtherTask) {
  with_.parameters().flat_gradient.zero_();
  with_.Forward(inputs_, {0, 0, 0, 0, 0}, {{0, torch::Tensor()}})[0].sum().backward();
  const auto gradient = [&](const std::string& head) {
    for (const ParameterSpec& spec : with_.layout().specs()) {
      if (spec.name.find(head) == std::string::npos || spec.name.find("search/") != std::string::npos) continue;
      return with_.parameters().flat_gradient.narrow(0, spec.offset, spec.count).abs().sum().item<double>();
    }
    return -1.0;
  };
  EXPECT_GT(gradient("click"), 0);
  EXPECT_GT(gradient("buy"), 0);
  EXPECT_GT(gradient("keep"), 0);
  EXPECT_EQ(gradient("spend"), 0);
}

INSTANTIATE_TEST_SUITE_P(Networks, ProductNetworkTest,
                         testing::Values("shared_bottom { hidden: [4] } tower: [3]",
                                         "mmoe { experts: 2 hidden: [4] } tower: [3] scene_adaptation: GATE",
                                         "ple { layers: 2 hidden: [4] } scene_adaptation: STAR",
                                         "single { hidden: [4] }"));

}  // namespace
}  // namespace polyscene
