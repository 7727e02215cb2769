// The compiled forward answers what LibTorch's does: over networks, scenes, tasks and requests of all sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "model/compiled/compiled_network.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "model/serving/torch_snapshot.h"
#include "tests/support/network_zoo.h"

namespace polyscene {
namespace {

// One model, served both ways.
class Served {
 public:
  // dimension: of the embeddings.
  explicit Served(const std::string& network, const std::string& arithmetic = "", int dimension = 4)
      : reference_(network, "forward: LIBTORCH", dimension), compiled_(network, arithmetic, dimension) {}

  const ModelSpec& spec() const { return *reference_.spec; }
  bool compiled() const { return network() != nullptr; }
  const CompiledNetwork* network() const {
    return static_cast<const TorchSnapshot&>(*compiled_.snapshot).compiled().network.get();
  }

  // Fails where the two differ by more.
  void ExpectEqual(std::vector<ZooRequest>& owned, float tolerance) {
    std::vector<ScoreRequest> requests;
    for (ZooRequest& request : owned) requests.push_back(request.View());
    ExpectScoresNear(compiled_.Score(requests), reference_.Score(requests), tolerance);
  }

 private:
  struct Way {
    Way(const std::string& network, const std::string& serving, int dimension)
        : spec(ParseZoo(absl::StrReplaceAll(ZooText(network, serving),
                                            {{"dimension: 4", absl::StrCat("dimension: ", dimension)}}))),
          learner(*CreateLearner(spec, LearnerOptions())) {
      LearnZoo(*learner, *spec, 3, 12);
      auto made = learner->MakeSnapshot(1, 0);
      auto created = CreatePredictor(spec, HashKey(), "cpu");
      if (!made.ok() || !created.ok()) ADD_FAILURE() << made.status() << created.status();
      snapshot = *made;
      predictor = *std::move(created);
    }
    std::vector<ScoreResult> Score(const std::vector<ScoreRequest>& requests) {
      auto results = predictor->Score(*snapshot, requests);
      if (!results.ok()) ADD_FAILURE() << results.status();
      return *results;
    }
    std::shared_ptr<const ModelSpec> spec;
    std::unique_ptr<Learner> learner;
    std::shared_ptr<const Snapshot> snapshot;
    std::unique_ptr<Predictor> predictor;
  };

  Way reference_;
  Way compiled_;
};

constexpr float kRounding = 2e-5f;

class CompiledForwardTest : public testing::TestWithParam<const char*> {};

TEST_P(CompiledForwardTest, EqualsTheReferenceOnRequestsOfAllSizes) {
  Served served(GetParam());
  ASSERT_TRUE(served.compiled());
  ZooRows values(11);
  for (const int64_t rows : {1, 2, 15, 16, 17, 63, 100, 128, 129, 300}) {
    for (int i = 0; i < 3; ++i) {
      std::vector<ZooRequest> request;
      request.push_back(values.Request(served.spec(), rows));
      served.ExpectEqual(request, kRounding);
    }
  }
}

TEST_P(CompiledForwardTest, EqualsTheReferenceOnRandomBatches) {
  Served served(GetParam());
  ZooRows values(12);
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<ZooRequest> requests;
    const int64_t count = 1 + values.Below(40);
    for (int64_t i = 0; i < count; ++i) {
      requests.push_back(
          values.Request(served.spec(), 1 + (values.Below(8) == 0 ? values.Below(200) : values.Below(20))));
    }
    served.ExpectEqual(requests, kRounding);
  }
}

// What copies and pools embeddings takes them in blocks, of which these are one, several, and some with a rest.
TEST(CompiledForwardEmbeddingsTest, EqualsTheReferenceWithEmbeddingsOfAnyDimension) {
  for (const int dimension : {1, 3, 8, 15, 16, 21, 32, 45}) {
    SCOPED_TRACE(dimension);
    for (const char* network : {kZooNetworks[0], kZooNetworks[4]}) {
      Served served(network, "", dimension);
      ASSERT_TRUE(served.compiled());
      ZooRows values(13);
      for (const int64_t rows : {1, 7, 8, 9, 130}) {
        for (int i = 0; i < 3; ++i) {
          std::vector<ZooRequest> request;
          request.push_back(values.Request(served.spec(), rows));
          served.ExpectEqual(request, kRounding);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, CompiledForwardTest, testing::ValuesIn(kZooNetworks));

TEST(CompiledForwardArithmeticTest, BFloat16MovesProbabilitiesByLittle) {
  if (!HasFastBFloat16()) GTEST_SKIP() << "the processor has no bfloat16 instructions";
  for (const char* network : kZooNetworks) {
    SCOPED_TRACE(network);
    Served served(network, "arithmetic: BFLOAT16");
    ASSERT_TRUE(served.compiled());
    ZooRows values(13);
    std::vector<ZooRequest> requests;
    for (int i = 0; i < 6; ++i) requests.push_back(values.Request(served.spec(), 1 + values.Below(150)));
    served.ExpectEqual(requests, 5e-2f);
  }
}

// Scores alone could not tell it from rounding.
TEST(CompiledForwardArithmeticTest, TowersReadFloat32BesideTiles) {
  if (!HasBFloat16Tiles()) GTEST_SKIP() << "the processor has no tiles";
  int looked_at = 0;
  for (const absl::string_view network : kZooNetworks) {
    // Of these a tower's own steps are all behind what it reads; but gates read the inputs as well.
    const bool plain = absl::StrContains(network, "mmoe") || absl::StrContains(network, "shared_bottom");
    if (!plain || absl::StrContains(network, "GATE")) continue;
    SCOPED_TRACE(network);
    const Served served(std::string(network), "arithmetic: BFLOAT16");
    ASSERT_TRUE(served.compiled());
    for (size_t scene = 0; scene < served.spec().scenes().size(); ++scene) {
      const Program& program = served.network()->scene(static_cast<int>(scene)).whole;
      for (const Step& step : program.steps) {
        if (step.tower < 0 || step.kind != Step::Kind::kProduct) continue;
        EXPECT_EQ(served.network()->products()[step.product]->shape().arithmetic, Arithmetic::kFloat32);
        ++looked_at;
      }
    }
  }
  EXPECT_GT(looked_at, 0);
}

TEST(DescribeForwardTest, SaysWhichAndWhy) {
  EXPECT_THAT(DescribeForward(ParseZoo(ZooText(kZooNetworks[0], "")), "cpu"),
              testing::StartsWith("compiled, float32, "));
  EXPECT_EQ(DescribeForward(ParseZoo(ZooText(kZooNetworks[0], "forward: LIBTORCH")), "cpu"),
            "LibTorch (serving.forward)");
  // With a GPU what is served there, else why it is not.
  EXPECT_THAT(DescribeForward(ParseZoo(ZooText(kZooNetworks[0], "")), "cuda:0"), testing::HasSubstr("cuda:0"));
  EXPECT_EQ(DescribeForward(ParseZoo(ZooText(kZooNetworks[0], "forward: LIBTORCH")), "cuda:0"),
            "LibTorch (cuda:0: serving.forward)");
}

}  // namespace
}  // namespace polyscene
