// The forward of a device answers what LibTorch's on the CPU does. Every test runs on the CPU, where nothing is
// recorded and nothing is pinned, and again on the first GPU, where there is one.
#include "model/device/device_forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/unit/model/device/device_fixture.h"

namespace polyscene {
namespace {

constexpr float kRounding = 2e-5f;

std::vector<ZooRequest> Drawn(ZooRows& values, const ModelSpec& spec, int count, int64_t most_rows) {
  std::vector<ZooRequest> requests;
  for (int i = 0; i < count; ++i) requests.push_back(values.Request(spec, 1 + values.Below(most_rows)));
  return requests;
}

class DeviceForwardTest : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  std::string device() const { return std::get<0>(GetParam()); }
  std::string network() const { return std::get<1>(GetParam()); }
};

TEST_P(DeviceForwardTest, EqualsTheReferenceOnRequestsOfAllSizes) {
  DeviceModel model(device(), network());
  ZooRows values(11);
  for (const int64_t rows : {1, 7, 8, 9, 16, 17, 100, 128, 129, 300}) {
    std::vector<ZooRequest> request;
    request.push_back(values.Request(model.spec(), rows));
    model.ExpectEqual(request, kRounding);
  }
}

TEST_P(DeviceForwardTest, EqualsTheReferenceOnBatchesOfSeveralScenes) {
  DeviceModel model(device(), network());
  ZooRows values(12);
  for (int batch = 0; batch < 4; ++batch) {
    std::vector<ZooRequest> requests = Drawn(values, model.spec(), 1 + static_cast<int>(values.Below(30)), 30);
    model.ExpectEqual(requests, kRounding);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, DeviceForwardTest,
                         testing::Combine(testing::ValuesIn(Devices()), testing::ValuesIn(kZooNetworks)));

class DeviceTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest, testing::ValuesIn(Devices()));

TEST(GpuTest, IsAmongTheDevices) {
  if (Devices().size() == 1) GTEST_SKIP() << "no GPU: every test ran on the CPU alone";
}

TEST_P(DeviceTest, IdsWithoutARowGetTheirInitialValues) {
  DeviceModel model(GetParam(), kZooNetworks[0], "", /*steps=*/0);  // No id has a row.
  ZooRows values(13);
  std::vector<ZooRequest> requests = Drawn(values, model.spec(), 6, 40);
  model.ExpectEqual(requests, kRounding);
}

TEST_P(DeviceTest, WeighsSequencesByAttention) {
  const auto with_attention = [](const std::string& text) {
    return absl::StrReplaceAll(text, {{"pooling: SUM", "pooling: ATTENTION attention { to: \"item\" hidden: 6 }"}});
  };
  const std::string network = kZooNetworks[4];
  DeviceModel model(GetParam(), with_attention(ZooText(network, "forward: LIBTORCH")),
                    with_attention(ZooText(network, "")), SmallBuckets(), /*steps=*/8);
  ZooRows values(14);
  std::vector<ZooRequest> requests = Drawn(values, model.spec(), 12, 200);
  model.ExpectEqual(requests, kRounding);
}

TEST_P(DeviceTest, TablesOfSeveralDimensionsLieSideBySide) {
  const auto with_dimensions = [](const std::string& text) {
    // Of the crossed one and of a sequence; the others keep theirs.
    return absl::StrReplaceAll(
        text, {{"with: \"user\" embedding { dimension: 4 }", "with: \"user\" embedding { dimension: 3 }"},
               {"pooling: SUM }\n               encode { hash { embedding { dimension: 4 } } }",
                "pooling: SUM }\n               encode { hash { embedding { dimension: 7 } } }"}});
  };
  const std::string network = kZooNetworks[7];
  DeviceModel model(GetParam(), with_dimensions(ZooText(network, "forward: LIBTORCH")),
                    with_dimensions(ZooText(network, "")), SmallBuckets(), /*steps=*/8);
  ASSERT_EQ(EmbeddingWidth(model.spec()), 4 + 4 + 4 + 3 + 7);
  ZooRows values(15);
  std::vector<ZooRequest> requests = Drawn(values, model.spec(), 12, 100);
  model.ExpectEqual(requests, kRounding);
}

TEST_P(DeviceTest, RowsThatFillABucketDoNotReachTheAnswer) {
  DeviceModel model(GetParam(), kZooNetworks[4]);
  ZooRows values(16);
  std::vector<ZooRequest> small;
  small.push_back(values.Request(model.spec(), 3));
  const std::vector<ScoreResult> before = model.Score(small);
  std::vector<ZooRequest> large = Drawn(values, model.spec(), 8, 120);  // Leaves its rows behind those of the next.
  model.Score(large);
  ExpectScoresNear(model.Score(small), before, 0);
}

TEST_P(DeviceTest, BFloat16MovesScoresByLittle) {
  for (const char* network : kZooNetworks) {
    SCOPED_TRACE(network);
    DeviceModel model(GetParam(), network, "arithmetic: BFLOAT16");
    EXPECT_THAT(model.forward().Describe(), testing::HasSubstr("bfloat16"));
    ZooRows values(17);
    std::vector<ZooRequest> requests = Drawn(values, model.spec(), 6, 100);
    model.ExpectEqual(requests, 5e-2f);
  }
}

TEST(DeviceForwardCreateTest, LeavesTheReferenceToWhoAsksForIt) {
  const auto spec = ParseZoo(ZooText(kZooNetworks[0], "forward: LIBTORCH"));
  EXPECT_EQ(DeviceForward::Create(spec, HashKey(), torch::Device("cpu")).status().code(),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace polyscene
