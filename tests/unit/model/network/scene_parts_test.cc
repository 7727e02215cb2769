// How a batch is taken apart by scene and put together again.
#include "model/network/scene_parts.h"

#include "tests/unit/model/network/network_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Values(const torch::Tensor& rows) {
  return {rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel()};
}

TEST(SceneParts, ABatchOfOneSceneStaysWhole) {
  const std::vector<int32_t> scenes = {4, 4, 4};
  const std::vector<WantedTask> wanted = {{1, torch::Tensor()}, {0, Numbers({0, 2})}};
  const SceneParts parts(scenes, wanted);
  ASSERT_EQ(parts.parts().size(), 1u);
  const ScenePart& part = parts.parts()[0];
  EXPECT_EQ(part.scene, 4);
  EXPECT_FALSE(part.rows.defined());
  EXPECT_FALSE(part.wanted[0].rows.defined());
  EXPECT_THAT(Values(part.wanted[1].rows), ElementsAre(0, 2));
}

TEST(SceneParts, EachSceneHasItsRowsAndWhoWantsThem) {
  const std::vector<int32_t> scenes = {2, 0, 2, 0, 2};
  const std::vector<WantedTask> wanted = {{0, torch::Tensor()}, {1, Numbers({0, 4})}, {2, Numbers({1, 2, 3})}};
  const SceneParts parts(scenes, wanted);
  ASSERT_EQ(parts.parts().size(), 2u);
  const ScenePart& zero = parts.parts()[0];
  EXPECT_THAT(Values(zero.rows), ElementsAre(1, 3));
  EXPECT_THAT(zero.wants, ElementsAre(0u, 2u));
  EXPECT_FALSE(zero.wanted[0].rows.defined());
  EXPECT_FALSE(zero.wanted[1].rows.defined());  // Both rows: all of the part.
  const ScenePart& two = parts.parts()[1];
  EXPECT_THAT(Values(two.rows), ElementsAre(0, 2, 4));
  EXPECT_THAT(two.wants, ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(Values(two.wanted[1].rows), ElementsAre(0, 2));
  EXPECT_THAT(Values(two.wanted[2].rows), ElementsAre(1));
}

TEST(SceneParts, JoinPutsEveryRowBackInItsPlace) {
  const std::vector<int32_t> scenes = {2, 0, 2, 0, 2};
  const std::vector<WantedTask> wanted = {{0, torch::Tensor()}, {1, Numbers({0, 4})}, {2, Numbers({1, 2, 3})}};
  const SceneParts parts(scenes, wanted);
  const torch::Tensor values = torch::tensor({{10}, {11}, {12}, {13}, {14}}, torch::kInt64);
  std::vector<std::vector<torch::Tensor>> outputs;
  for (const ScenePart& part : parts.parts()) {
    const torch::Tensor own = values.index_select(0, part.rows);
    std::vector<torch::Tensor>& of_part = outputs.emplace_back();
    for (const WantedTask& want : part.wanted) of_part.push_back(SelectRows(own, want));
  }
  const std::vector<torch::Tensor> joined = parts.Join(outputs);
  EXPECT_THAT(Values(joined[0]), ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(Values(joined[1]), ElementsAre(10, 14));
  EXPECT_THAT(Values(joined[2]), ElementsAre(11, 12, 13));
}

}  // namespace
}  // namespace polyscene
