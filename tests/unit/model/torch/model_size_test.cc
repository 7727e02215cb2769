// What model/spec says of a model's size, against the network and the tables themselves.
#include "model/spec/model_size.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "model/embedding/embedding_tables.h"
#include "model/network/network.h"
#include "model/optimizer/dense_optimizer.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

// Every way for a feature to enter, every kind of task, two scenes; `network` and the rest are the case's.
std::string ModelText(const std::string& rest) {
  return absl::StrCat(R"(
    name: "sized"
    features { name: "user" side: CONTEXT type: STRING encode { hash { embedding { dimension: 8 } } } }
    features { name: "words" side: CONTEXT type: STRING sequence {} encode { hash { embedding { dimension: 4 } } } }
    features { name: "tier" side: CONTEXT type: STRING encode { one_hot { values: ["a", "b", "c"] } } }
    features { name: "kind" side: CANDIDATE type: INT64 encode { vocabulary { values: ["1", "2"] embedding { dimension: 3 } } } }
    features { name: "seen" side: CONTEXT type: STRING
      sequence { pooling: ATTENTION attention { to: "user" hidden: [6, 3] } }
      encode { hash { embedding { dimension: 8 table: "user" } } } }
    features { name: "picture" side: CANDIDATE type: FLOAT sequence {} encode { vector { length: 3 } } }
    features { name: "last" side: CONTEXT type: STRING encode { hash { embedding { dimension: 8 table: "user" } } } }
    features { name: "price" side: CANDIDATE type: FLOAT
      encode { numeric {} } encode { bucketize { boundaries: [1, 2] embedding { dimension: 5 } } } }
    features { name: "age" side: CONTEXT type: INT64 required: true encode { numeric {} } }
    scenes { name: "one" tasks: ["click", "grade", "spend", "demand"] }
    scenes { name: "two" tasks: ["click"] }
    tasks { name: "click" binary {} }
    tasks { name: "grade" multi_class { classes: 5 } }
    tasks { name: "spend" regression {} }
    tasks { name: "demand" forecast { horizon: 7 } }
  )",
                      rest);
}

class ModelSizeTest : public testing::TestWithParam<const char*> {};

TEST_P(ModelSizeTest, EachGroupIsWhatTheNetworkDeclares) {
  const auto spec = ParseModel(ModelText(GetParam()));
  const ModelSize size = SizeOf(*spec);
  const int64_t input_width = EmbeddingWidth(*spec) + spec->dense_width();
  const ParameterLayout layout = CreateNetwork(*spec, input_width)->layout();

  EXPECT_EQ(size.embedding_inputs + size.dense_inputs, input_width);
  EXPECT_EQ(size.parameters, layout.count());
  const std::map<std::string, std::string> group_of_prefix = {{"scene", "scene embedding"},
                                                              {"expert", "experts"},
                                                              {"gate", "gates"},
                                                              {"bottom", "shared layers"},
                                                              {"tower", "towers"},
                                                              {"head", "heads"},
                                                              {"shared_expert", "shared experts"},
                                                              {"task_expert", "task experts"},
                                                              {"shared_gate", "gates"},
                                                              {"star", "scene weights"},
                                                              {"input_gate", "input gates"},
                                                              {"tower_gate", "tower gates"},
                                                              {"attention", "attention units"},
                                                              {"cross", "cross layers"}};
  std::map<std::string, int64_t> declared, told;
  for (const ParameterSpec& parameter : layout.specs()) {
    declared[group_of_prefix.at(parameter.name.substr(0, parameter.name.find('.')))] += parameter.count;
  }
  for (const LayerGroupSize& group : size.groups) told[group.name] = group.parameters;
  EXPECT_EQ(told, declared);
}

TEST_P(ModelSizeTest, TrainingBytesAreWeightsGradientAndTheOptimizersState) {
  const auto spec = ParseModel(ModelText(GetParam()));
  const ModelSize size = SizeOf(*spec);
  const torch::Tensor weights = torch::zeros({size.parameters});
  int64_t floats = 2 * weights.numel();
  const DenseOptimizer optimizer(spec->file().dense_optimizer(),
                                 CreateNetwork(*spec, size.embedding_inputs + size.dense_inputs)->layout(), weights);
  for (const auto& [name, tensor] : optimizer.state()) floats += tensor.numel();
  if (spec->file().dense_optimizer().tower_factor() != 1) floats += weights.numel();  // A factor each.
  EXPECT_EQ(size.training_bytes, floats * static_cast<int64_t>(sizeof(float)));
  EXPECT_EQ(size.snapshot_bytes, weights.numel() * static_cast<int64_t>(sizeof(float)));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, ModelSizeTest,
    testing::Values("network { shared_bottom { hidden: [6] } }",
                    "network { shared_bottom { hidden: [6, 4] } tower: [3, 2] scene_adaptation: SCENE_EMBEDDING }",
                    "network { mmoe { experts: 3 hidden: [6] } } dense_optimizer { sgd {} }",
                    "network { mmoe { experts: 3 hidden: [6] } } dense_optimizer { sgd { momentum: 0.5 } }",
                    "network { mmoe { experts: 2 hidden: [6] } } dense_optimizer { adam_w {} tower_factor: 2 }",
                    "network { shared_bottom { hidden: [6] } } dense_optimizer { adagrad {} }",
                    "network { mmoe { experts: 4 hidden: [8, 6, 5] } tower: [3] scene_adaptation: SCENE_EMBEDDING }",
                    "network { ple { hidden: [6] } }",
                    "network { ple { layers: 3 shared_experts: 3 task_experts: 2 hidden: [6, 4] } tower: [3] "
                    "scene_adaptation: STAR }",
                    "network { ple { layers: 2 hidden: [6] } tower: [3, 2] scene_adaptation: GATE }",
                    "network { mmoe { experts: 2 hidden: [6] } scene_adaptation: STAR interaction { cross {} } }",
                    "network { shared_bottom { hidden: [6] } scene_adaptation: GATE "
                    "interaction { cross { layers: 1 rank: 3 } } }",
                    "network { single { hidden: [6, 4] } tower: [3] interaction { cross { rank: 2 } } }",
                    "network { single { hidden: [5] } }",
                    "network { shared_bottom { hidden: [6, 4] } tower: [4, 3] skip: RESIDUAL scene_towers: true }",
                    "network { shared_bottom { hidden: [6, 4, 3] } tower: [4, 3] skip: DENSE scene_adaptation: GATE }",
                    "network { mmoe { experts: 2 hidden: [6, 4, 3] } skip: DENSE scene_adaptation: STAR }",
                    "network { ple { layers: 2 hidden: [6, 4] } tower: [3] skip: DENSE scene_towers: true "
                    "scene_adaptation: GATE }",
                    "network { single { hidden: [6, 4] } tower: [3, 2] skip: DENSE }"));

TEST(InteractionSizeTest, ProductsOfEmbeddingsAreFurtherInputs) {
  const auto spec = ParseModel(R"(
    name: "products"
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 6 } } } }
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 6 } } } }
    scenes { name: "one" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [4] } interaction { factorization_machine {} } })");
  const ModelSize size = SizeOf(*spec);
  EXPECT_EQ(size.interaction_inputs, 6);
  EXPECT_EQ(size.inputs(), 18);
  EXPECT_EQ(size.parameters, CreateNetwork(*spec, 12)->layout().count());
}

class TableSizeTest : public testing::TestWithParam<const char*> {};

TEST_P(TableSizeTest, ARowCostsWhatTheTablesSayWithinItsBounds) {
  const auto spec = ParseModel(absl::StrCat(GetParam(), R"(
    name: "one table"
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 16 } } } }
    scenes { name: "one" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [4] } })"));
  EmbeddingTables tables(spec, torch::kCPU);
  constexpr int64_t kRows = 200'000;
  std::vector<uint64_t> ids(kRows);
  std::iota(ids.begin(), ids.end(), uint64_t{1} << 40);
  std::vector<uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0u);
  const std::vector<uint32_t> owner(kRows, 0);
  const std::vector<float> values(kRows * 16), states(kRows * spec->tables()[0].state_width);
  ASSERT_TRUE(tables.Restore(0, rows, owner, ids, values, states, std::vector<RowUse>(kRows)).ok());

  const TableSize size = SizeOf(*spec).tables[0];
  EXPECT_EQ(size.features, std::vector<int>{0});
  const double per_row = static_cast<double>(tables.memory_bytes()) / kRows;
  EXPECT_GT(per_row, size.least_row_bytes - 1);  // What rounds.
  EXPECT_LT(per_row, size.most_row_bytes + 1);
}

INSTANTIATE_TEST_SUITE_P(RowOptimizers, TableSizeTest,
                         testing::Values("", "row_optimizer { ftrl {} } ", "row_optimizer { adam {} } ",
                                         "rows { expire_after_rows: 5000 } "));

}  // namespace
}  // namespace polyscene
