// Each network, adaptation and interaction against arithmetic that fits on a napkin.
#include <cmath>

#include "tests/unit/model/network/network_fixture.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

constexpr int kShop = 0;
constexpr int kSearch = 1;
const double kLog3 = std::log(3.0);

// One value a task.
#define EXPECT_LOGITS(logits, click, spend)                                   \
  EXPECT_THAT((logits)[0], ElementsAre(DoubleNear(click, 1e-12))) << "click"; \
  EXPECT_THAT((logits)[1], ElementsAre(DoubleNear(spend, 1e-12))) << "spend"

TEST(SharedBottomByHand, OneValueServesBothHeads) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [2] } tower: [1]"), 2);
  net.Set("bottom.0.weight", {1, 0, 1, -1});  // a + b, -b
  net.Set("bottom.0.bias", {0, 1});
  net.Set("tower.0.weight", {1, 1, 2, 1});  // [tasks, inputs, width]
  net.Set("head.click.weight", {2});
  net.Set("head.spend.weight", {-1});
  net.Set("head.spend.bias", {1});
  // (1, 2): 3 and relu(-1) = 0; towers 3 and 6.
  EXPECT_LOGITS(net.Logits({1, 2}, {kShop}), 6, -5);
}

TEST(MmoeByHand, EachTaskMixesTheExpertsByItsGate) {
  NetworkUnderTest net(NumbersModel("mmoe { experts: 2 hidden: [1] }"), 2);
  net.Set("expert.first.weight", {1, 0, 0, 1});  // a; b
  net.Set("gate.bias", {kLog3, 0, 0, 0});        // 3/4 and 1/4; halves.
  net.Set("head.click.weight", {1});
  net.Set("head.spend.weight", {1});
  EXPECT_LOGITS(net.Logits({1, 2}, {kShop}), 1.25, 1.5);
}

class PleByHand : public testing::Test {
 protected:
  // Layer 0: the shared expert a + b, click's a, spend's 2 b; click mixes them by halves, spend 1/4 to 3/4.
  static void SetFirstLayer(NetworkUnderTest& net) {
    net.Set("shared_expert.0.first.weight", {1, 1});
    net.Set("task_expert.0.0.weight", {1, 0, 0, 2});
    net.Set("gate.0.bias", {0, 0, 0, kLog3});
    net.Set("head.click.weight", {1});
    net.Set("head.click.bias", {0.5});
    net.Set("head.spend.weight", {2});
  }
};

TEST_F(PleByHand, OneLayerMixesEachTasksOwnExpertWithTheSharedOne) {
  NetworkUnderTest net(NumbersModel("ple { shared_experts: 1 hidden: [1] }"), 2);
  SetFirstLayer(net);
  // (1, 2): experts 3, 1, 4; streams (1 + 3) / 2 = 2 and 4 / 4 + 3 x 3 / 4 = 3.25.
  EXPECT_LOGITS(net.Logits({1, 2}, {kShop}), 2.5, 6.5);
}

TEST_F(PleByHand, ASecondLayersSharedExpertReadsAMixOfAllExperts) {
  NetworkUnderTest net(NumbersModel("ple { layers: 2 shared_experts: 1 hidden: [1] }"), 2);
  SetFirstLayer(net);
  net.Set("shared_gate.0.to_shared.bias", {std::log(2.0)});  // A quarter each task's, half the shared one.
  net.Set("shared_expert.1.first.weight", {2});
  net.Set("task_expert.1.0.weight", {1, 1});
  // Shared stream 1 / 4 + 4 / 4 + 3 / 2 = 2.75, its expert 5.5; click (2 + 5.5) / 2, spend (3.25 + 5.5) / 2.
  EXPECT_LOGITS(net.Logits({1, 2}, {kShop}), 3.75 + 0.5, 2 * 4.375);
}

TEST_F(PleByHand, SeveralExpertsOfATaskLieSideBySide) {
  NetworkUnderTest net(NumbersModel("ple { shared_experts: 1 task_experts: 2 hidden: [1] }"), 2);
  net.Set("shared_expert.0.first.weight", {1, 1});
  net.Set("task_expert.0.0.weight", {1, 0, 2, 0, 0, 1, 0, 3});  // click: a, 2 a; spend: b, 3 b.
  net.Set("gate.0.bias", {0, 0, std::log(2.0), 0, 0, std::log(2.0)});
  net.Set("head.click.weight", {1});
  net.Set("head.spend.weight", {1});
  EXPECT_LOGITS(net.Logits({1, 2}, {kShop}), (1 + 2 + 2 * 3) / 4.0, (2 + 6 + 2 * 3) / 4.0);
}

TEST(SingleByHand, EachSceneAndTaskHasANetworkOfItsOwn) {
  NetworkUnderTest net(NumbersModel("single { hidden: [1] } tower: [1]"), 2);
  for (const char* pair : {"shop/click", "shop/spend", "search/click"}) {
    net.Set(absl::StrCat("tower.", pair, ".0.weight"), {1, 1});
    net.Set(absl::StrCat("tower.", pair, ".1.weight"), {1});
  }
  net.Set("head.shop/click.weight", {1});
  net.Set("head.shop/spend.weight", {2});
  net.Set("head.search/click.weight", {3});
  net.Set("head.search/click.bias", {1});
  EXPECT_EQ(net.layout().specs().size(), 3u * 6);
  const auto logits = net.Logits({1, 2, 10, 20, 3, 4}, {kSearch, kShop, kSearch});
  EXPECT_THAT(logits[0], ElementsAre(10, 30, 22));
  EXPECT_THAT(logits[1], ElementsAre(0, 60, 0));  // search has no spend.
}

TEST(SceneEmbeddingByHand, AddsInputsOfTheRowsScene) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1] } scene_adaptation: SCENE_EMBEDDING"), 2);
  net.Set("scene", {5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0});
  net.Set("bottom.0.weight", {1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
  net.Set("head.click.weight", {1});
  EXPECT_THAT(net.Logits({1, 2, 1, 2}, {kSearch, kShop})[0], ElementsAre(10, 8));
}

TEST(StarByHand, AScenesWeightsMultiplyAndItsBiasesAdd) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1] } scene_adaptation: STAR"), 2);
  net.Set("bottom.0.weight", {1, 1});
  net.Set("bottom.0.bias", {0.5});
  net.Set("star.shop/bottom.0.weight", {1, 1});
  net.Set("star.search/bottom.0.weight", {2, 3});
  net.Set("star.search/bottom.0.bias", {1});
  net.Set("head.click.weight", {1});
  const auto logits = net.Logits({1, 2, 1, 2, 0, 1}, {kShop, kSearch, kShop});
  EXPECT_THAT(logits[0], ElementsAre(3.5, 2 + 6 + 0.5 + 1, 1.5));
}

TEST(StarByHand, StartsAsIfThereWereNoScenes) {
  for (const char* network :
       {"shared_bottom { hidden: [4] }", "mmoe { experts: 2 hidden: [4, 3] }", "ple { layers: 2 hidden: [4, 3] }"}) {
    NetworkUnderTest plain(NumbersModel(network), 2);
    NetworkUnderTest star(NumbersModel(absl::StrCat(network, " scene_adaptation: STAR")), 2);
    plain.Initialize();
    star.Initialize();
    const std::vector<double> rows = {1, 2, -1, 0.5, 3, -2};
    EXPECT_THAT(star.Logits(rows, {kShop, kSearch, kSearch})[0],
                testing::Pointwise(DoubleNear(1e-12), plain.Logits(rows, {kShop, kSearch, kSearch})[0]));
  }
}

class GateByHand : public testing::Test {
 protected:
  GateByHand() {
    net_.Set("bottom.0.weight", {1, 1});
    net_.Set("head.click.weight", {1});
    net_.Set("head.spend.weight", {1});
  }
  NetworkUnderTest net_{NumbersModel("shared_bottom { hidden: [1] } scene_adaptation: GATE"), 2};

  // A matrix [rows, 32] that is 0 but at (row 0, column 0).
  static std::vector<double> First(int64_t count, double value) {
    std::vector<double> values(count, 0);
    values[0] = value;
    return values;
  }
};

TEST_F(GateByHand, StartsNeutral) { EXPECT_LOGITS(net_.Logits({1, 2}, {kSearch}), 3, 3); }

TEST_F(GateByHand, ScalesEachInputAndWhatComesIntoEachTower) {
  net_.Set("input_gate.bias", {kLog3, 0});     // 2 x 3/4 and 1.
  net_.Set("tower_gate.0.bias", {-kLog3, 0});  // click: 2 x 1/4.
  EXPECT_LOGITS(net_.Logits({1, 2}, {kShop}), 3.5 / 2, 3.5);
}

TEST_F(GateByHand, SeesTheSceneAndTheInputs) {
  net_.Set("scene", First(16, 1));                         // shop: 1 in the first place.
  net_.Set("input_gate.scene.weight", First(8 * 32, 1));   // Hidden 0 is 1 in shop and 0 in search.
  net_.Set("input_gate.weight", First(32 * 2, kLog3));     // It opens a's gate.
  net_.Set("tower_gate.hidden.weight", First(2 * 32, 1));  // Hidden 0 is what came of a.
  net_.Set("tower_gate.0.weight", First(32 * 2, kLog3));   // It opens click's gate.
  const auto logits = net_.Logits({1, 2, 1, 2}, {kShop, kSearch});
  EXPECT_NEAR(logits[0][0], 3.5 * 2 / (1 + std::pow(3, -1.5)), 1e-12);
  EXPECT_NEAR(logits[0][1], 3 * 1.5, 1e-12);
  EXPECT_NEAR(logits[1][0], 3.5, 1e-12);
}

TEST_F(GateByHand, NoGradientGoesThroughAGateIntoTheInputs) {
  net_.Set("input_gate.hidden.weight", First(2 * 32, 1));
  net_.Set("input_gate.weight", First(32 * 2, 0.7));
  torch::Tensor inputs = net_.Rows({1, 2}).requires_grad_(true);
  net_.Forward(inputs, {kShop}, net_.Everything())[0].sum().backward();
  const double factor = 2 / (1 + std::exp(-0.7));
  EXPECT_NEAR(inputs.grad()[0][0].item<double>(), factor, 1e-12);  // Not what the gate itself would change.
  EXPECT_NEAR(inputs.grad()[0][1].item<double>(), 1, 1e-12);
}

TEST(SkipsByHand, AResidualLayerAddsWhatCameInWhereItIsAsWide) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [2, 1] } skip: RESIDUAL"), 2);
  net.Set("bottom.0.weight", {1, 0, 0, -1});
  net.Set("bottom.1.weight", {1, 10});
  net.Set("head.click.weight", {1});
  // (1, 2) + (1, relu(-2)) = (2, 2); the second layer is narrower: 22 as it is.
  EXPECT_THAT(net.Logits({1, 2}, {kShop})[0], ElementsAre(22));
}

TEST(SkipsByHand, ADenseLayerReadsAllBeforeIt) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1, 1, 1] } skip: DENSE"), 2);
  net.Set("bottom.0.weight", {1, 1});
  net.Set("bottom.1.weight", {1, 10, 100});
  net.Set("bottom.2.weight", {1, 0, 0, 2});
  net.Set("head.click.weight", {1});
  // 3; then 1 + 20 + 300 of (1, 2, 3); then 1 + 2 x 321 of (1, 2, 3, 321). The head reads the last layer alone.
  EXPECT_THAT(net.Logits({1, 2}, {kShop})[0], ElementsAre(643));
}

TEST(SkipsByHand, ExpertsSkipEachForItself) {
  NetworkUnderTest dense(NumbersModel("mmoe { experts: 2 hidden: [1, 1] } skip: DENSE"), 2);
  dense.Set("expert.first.weight", {1, 0, 0, 1});    // a; b
  dense.Set("expert.0.weight", {1, 0, 1, 0, 1, 1});  // a + a; b + b, each of the inputs and its own first layer.
  dense.Set("gate.bias", {kLog3, 0, 0, 0});
  dense.Set("head.click.weight", {1});
  EXPECT_THAT(dense.Logits({1, 2}, {kShop})[0], ElementsAre(DoubleNear(0.75 * 2 + 0.25 * 4, 1e-12)));

  NetworkUnderTest residual(NumbersModel("mmoe { experts: 2 hidden: [2] } skip: RESIDUAL"), 2);
  residual.Set("expert.first.bias", {1, 0, 0, 2});
  residual.Set("head.click.weight", {1, 10});
  // (1 + 1, 2) and (1, 2 + 2), by halves.
  EXPECT_THAT(residual.Logits({1, 2}, {kShop})[0], ElementsAre(DoubleNear(1.5 + 30, 1e-12)));
}

TEST(SceneTowersByHand, EachSceneHasATowerOfItsOwnOverWhatTheyShare) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1] } tower: [1] scene_towers: true"), 2);
  net.Set("bottom.0.weight", {1, 1});
  net.Set("tower.shop/click.0.weight", {2});
  net.Set("tower.search/click.0.weight", {3});
  net.Set("head.shop/click.weight", {1});
  net.Set("head.search/click.weight", {-1});
  const auto logits = net.Logits({1, 2, 1, 2}, {kSearch, kShop});
  EXPECT_THAT(logits[0], ElementsAre(-9, 6));
  EXPECT_THAT(logits[1], ElementsAre(0, 0));  // No tower of `spend` in search, and a zero one in the shop.
}

TEST(CrossByHand, EachLayerMultipliesByTheInputsOnceMore) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1] } interaction { cross { layers: 2 } }"), 2);
  net.Set("cross.0.weight", {1, 0, 0, 1});
  net.Set("cross.0.bias", {0, 1});
  net.Set("cross.1.weight", {0, 1, 1, 0});
  net.Set("bottom.0.weight", {1, 100});
  net.Set("head.click.weight", {1});
  // (1, 2): (1 x 1 + 1, 2 x 3 + 2) = (2, 8); then (1 x 8 + 2, 2 x 2 + 8) = (10, 12).
  EXPECT_THAT(net.Logits({1, 2}, {kShop})[0], ElementsAre(1210));
}

TEST(CrossByHand, OfLowRankGoesThroughTheNarrowWidth) {
  NetworkUnderTest net(NumbersModel("shared_bottom { hidden: [1] } interaction { cross { layers: 1 rank: 1 } }"), 2);
  net.Set("cross.0.down.weight", {1, 1});
  net.Set("cross.0.up.weight", {1, 2});
  net.Set("bottom.0.weight", {1, 100});
  net.Set("head.click.weight", {1});
  // 3, then (3, 6): (1 x 3 + 1, 2 x 6 + 2).
  EXPECT_THAT(net.Logits({1, 2}, {kShop})[0], ElementsAre(1404));
}

TEST(FactorizationMachineByHand, AddsTheSumOfAllProductsOfTwoEmbeddings) {
  NetworkUnderTest net(R"(
    name: "embeddings"
    features { name: "u" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
    features { name: "v" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
    features { name: "w" side: CONTEXT type: INT64 sequence {} encode { hash { embedding { dimension: 2 } } } }
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [1] } interaction { factorization_machine {} } })",
                       7);
  net.Set("bottom.0.weight", {0, 0, 0, 0, 0, 0, 1000, 1, 10});
  net.Set("head.click.weight", {1});
  // 1 x 3 + 1 x 5 + 3 x 5 = 23 and 2 x 4 + 2 x 6 + 4 x 6 = 44.
  EXPECT_THAT(net.Logits({1, 2, 3, 4, 5, 6, 9}, {kShop})[0], ElementsAre(9000 + 23 + 440));
}

}  // namespace
}  // namespace polyscene
