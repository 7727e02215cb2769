// The compiled forward answers what LibTorch's does: over networks, scenes, tasks and requests of all sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/compiled/compiled_network.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "model/serving/torch_snapshot.h"
#include "tests/support/network_zoo.h"

namespace polyscene {
namespace {

std::shared_ptr<const ModelSpec> Parse(const std::string& text) {
  auto spec = ModelSpec::Parse(text, "test.textproto");
  if (!spec.ok()) ADD_FAILURE() << spec.status();
  return *spec;
}

struct OwnedRequest {
  int scene = 0;
  Table context;
  Table candidates;
  TableView context_view;
  TableView candidates_view;
  std::vector<int> tasks;

  ScoreRequest View() {
    context_view = context.View();
    candidates_view = candidates.View();
    return {scene, &context_view, &candidates_view, tasks};
  }
};

class Values {
 public:
  explicit Values(uint32_t seed) : random_(seed) {}
  int64_t Below(int64_t end) { return static_cast<int64_t>(random_() % end); }

  void AddContext(int64_t rows, Table& table) {
    table.rows = rows;
    Ints("user", 40, rows, table);
    Column& hour = table.Add("hour", ValueType::kFloat);
    for (int64_t r = 0; r < rows; ++r) {
      hour.floats.push_back(static_cast<float>(Below(24)));
      if (Below(4) == 0) hour.missing.push_back(static_cast<uint32_t>(r));
    }
    Sequence("seen", 8, rows, table);
  }
  void AddCandidates(int64_t rows, Table& table) {
    table.rows = rows;
    Ints("item", 60, rows, table);
    Column& price = table.Add("price", ValueType::kFloat);
    for (int64_t r = 0; r < rows; ++r) price.floats.push_back(static_cast<float>(Below(100)));
    Column& color = table.Add("color", ValueType::kString);
    for (int64_t r = 0; r < rows; ++r) color.strings.push_back(Below(2) == 0 ? "red" : "green");
    Sequence("tags", 5, rows, table);
  }

  OwnedRequest Request(const ModelSpec& spec, int64_t rows) {
    OwnedRequest request;
    request.scene = static_cast<int>(Below(static_cast<int64_t>(spec.scenes().size())));
    const SceneSpec& scene = spec.scenes()[request.scene];
    AddContext(scene.has_candidates ? 1 : rows, request.context);
    if (scene.has_candidates) AddCandidates(rows, request.candidates);
    for (const int task : scene.tasks) {
      if (Below(3) != 0) request.tasks.push_back(task);
    }
    if (request.tasks.empty()) request.tasks.push_back(scene.tasks[0]);
    return request;
  }

 private:
  void Ints(const char* name, int64_t end, int64_t rows, Table& table) {
    Column& column = table.Add(name, ValueType::kInt64);
    for (int64_t r = 0; r < rows; ++r) {
      column.ints.push_back(Below(end));
      if (Below(10) == 0) column.missing.push_back(static_cast<uint32_t>(r));
    }
  }
  void Sequence(const char* name, int64_t most, int64_t rows, Table& table) {
    Column& column = table.Add(name, ValueType::kInt64);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t length = Below(most);
      column.lengths.push_back(static_cast<uint32_t>(length));
      for (int64_t i = 0; i < length; ++i) column.ints.push_back(Below(30));
    }
  }

  std::mt19937 random_;
};

// A learner that has seen some rows of every scene, ids among them that requests have too, and not all of those.
std::unique_ptr<Learner> Learned(const std::shared_ptr<const ModelSpec>& spec) {
  auto learner = CreateLearner(spec, LearnerOptions());
  if (!learner.ok()) ADD_FAILURE() << learner.status();
  Values values(3);
  constexpr int64_t kRows = 48;
  for (int step = 0; step < 12; ++step) {
    for (const SceneSpec& scene : spec->scenes()) {
      Table features;
      values.AddContext(kRows, features);
      if (scene.has_candidates) values.AddCandidates(kRows, features);
      ExamplesView view;
      view.scene = scene.name;
      view.features = features.View();
      std::vector<std::vector<float>> labels;
      for (const int t : scene.tasks) {
        const TaskSpec& task = spec->tasks()[t];
        std::vector<float>& of_task = labels.emplace_back();
        for (int64_t i = 0; i < kRows * task.label_width; ++i) {
          of_task.push_back(static_cast<float>(values.Below(task.kind == TaskSpec::Kind::kMultiClass ? 3 : 2)));
        }
      }
      for (size_t t = 0; t < scene.tasks.size(); ++t) {
        view.labels.push_back({spec->tasks()[scene.tasks[t]].name, labels[t], {}});
      }
      const ExampleSlice slice{&view, 0, kRows, ""};
      const auto report = (*learner)->Step(absl::MakeConstSpan(&slice, 1));
      if (!report.ok()) ADD_FAILURE() << report.status();
    }
  }
  return *std::move(learner);
}

// One model, served both ways.
class Served {
 public:
  explicit Served(const std::string& network, const std::string& arithmetic = "")
      : reference_(network, "forward: LIBTORCH"), compiled_(network, arithmetic) {}

  const ModelSpec& spec() const { return *reference_.spec; }
  bool compiled() const { return static_cast<const TorchSnapshot&>(*compiled_.snapshot).compiled().network != nullptr; }

  // Fails where the two differ by more.
  void ExpectEqual(std::vector<OwnedRequest>& owned, float tolerance) {
    std::vector<ScoreRequest> requests;
    for (OwnedRequest& request : owned) requests.push_back(request.View());
    const std::vector<ScoreResult> expected = reference_.Score(requests);
    const std::vector<ScoreResult> got = compiled_.Score(requests);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const std::string where =
          absl::StrCat("request ", i, " of scene ", requests[i].scene, ", ", expected[i].rows, " rows");
      ASSERT_EQ(got[i].rows, expected[i].rows) << where;
      ASSERT_EQ(got[i].tasks.size(), expected[i].tasks.size()) << where;
      ExpectNear(got[i].ranking, expected[i].ranking, tolerance, where);
      for (size_t t = 0; t < got[i].tasks.size(); ++t) {
        ASSERT_EQ(got[i].tasks[t].task, expected[i].tasks[t].task) << where;
        ExpectNear(got[i].tasks[t].values, expected[i].tasks[t].values, tolerance,
                   absl::StrCat(where, ", task ", got[i].tasks[t].task));
      }
    }
  }

 private:
  struct Way {
    Way(const std::string& network, const std::string& serving)
        : spec(Parse(ZooModel(network, serving))), learner(Learned(spec)) {
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

  static void ExpectNear(const std::vector<float>& got, const std::vector<float>& expected, float tolerance,
                         const std::string& where) {
    ASSERT_EQ(got.size(), expected.size()) << where;
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], expected[i], tolerance * std::max(1.0f, std::fabs(expected[i]))) << where << ", value " << i;
    }
  }

  Way reference_;
  Way compiled_;
};

constexpr float kRounding = 2e-5f;

class CompiledForwardTest : public testing::TestWithParam<const char*> {};

TEST_P(CompiledForwardTest, EqualsTheReferenceOnRequestsOfAllSizes) {
  Served served(GetParam());
  ASSERT_TRUE(served.compiled());
  Values values(11);
  for (const int64_t rows : {1, 2, 15, 16, 17, 63, 100, 128, 129, 300}) {
    for (int i = 0; i < 3; ++i) {
      std::vector<OwnedRequest> request;
      request.push_back(values.Request(served.spec(), rows));
      served.ExpectEqual(request, kRounding);
    }
  }
}

TEST_P(CompiledForwardTest, EqualsTheReferenceOnRandomBatches) {
  Served served(GetParam());
  Values values(12);
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<OwnedRequest> requests;
    const int64_t count = 1 + values.Below(40);
    for (int64_t i = 0; i < count; ++i) {
      requests.push_back(
          values.Request(served.spec(), 1 + (values.Below(8) == 0 ? values.Below(200) : values.Below(20))));
    }
    served.ExpectEqual(requests, kRounding);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, CompiledForwardTest, testing::ValuesIn(kZooNetworks));

TEST(CompiledForwardArithmeticTest, BFloat16MovesProbabilitiesByLittle) {
  if (!HasFastBFloat16()) GTEST_SKIP() << "the processor has no bfloat16 instructions";
  for (const char* network : kZooNetworks) {
    SCOPED_TRACE(network);
    Served served(network, "arithmetic: BFLOAT16");
    ASSERT_TRUE(served.compiled());
    Values values(13);
    std::vector<OwnedRequest> requests;
    for (int i = 0; i < 6; ++i) requests.push_back(values.Request(served.spec(), 1 + values.Below(150)));
    served.ExpectEqual(requests, 5e-2f);
  }
}

TEST(DescribeForwardTest, SaysWhichAndWhy) {
  EXPECT_THAT(DescribeForward(Parse(ZooModel(kZooNetworks[0], "")), "cpu"), testing::StartsWith("compiled, float32, "));
  EXPECT_EQ(DescribeForward(Parse(ZooModel(kZooNetworks[0], "forward: LIBTORCH")), "cpu"),
            "LibTorch (serving.forward)");
  EXPECT_EQ(DescribeForward(Parse(ZooModel(kZooNetworks[0], "")), "cuda:0"), "LibTorch (cuda:0)");
}

}  // namespace
}  // namespace polyscene
