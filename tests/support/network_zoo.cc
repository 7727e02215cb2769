#include "tests/support/network_zoo.h"

#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"

namespace polyscene {

std::string ZooText(const std::string& network, const std::string& serving) {
  return absl::StrCat(R"(
    name: "zoo"
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "hour" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
    features { name: "seen" side: CONTEXT type: INT64 sequence { max_length: 20 pooling: MEAN }
               encode { hash { embedding { dimension: 4 } } } }
    features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 4 } } }
               encode { crossed { with: "user" embedding { dimension: 4 } } } }
    features { name: "price" side: CANDIDATE type: FLOAT encode { numeric { scaling: MIN_MAX } } }
    features { name: "color" side: CANDIDATE type: STRING encode { one_hot { values: ["red", "blue"] } } }
    features { name: "tags" side: CANDIDATE type: INT64 sequence { max_length: 3 pooling: SUM }
               encode { hash { embedding { dimension: 4 } } } }
    scenes { name: "shop" tasks: ["click", "buy", "kind", "spend", "both"] rank_by { factors { task: "click" } } }
    scenes { name: "search" tasks: ["click", "buy", "spend"] }
    scenes { name: "home" features: ["user", "hour", "seen"] tasks: ["kind", "visits"] }
    tasks { name: "click" binary {} calibration { platt { half_life_rows: 50 } } }
    tasks { name: "buy" binary {} }
    tasks { name: "both" product { tasks: ["click", "buy"] } }
    tasks { name: "kind" multi_class { classes: 3 } }
    tasks { name: "spend" regression { transform { log1p: true } } }
    tasks { name: "visits" forecast { horizon: 6 } }
    dense_optimizer { adam { learning_rate: 0.05 } }
    network { )",
                      network, " } serving { ", serving, " }");
}

std::shared_ptr<const ModelSpec> ParseZoo(const std::string& text) {
  auto spec = ModelSpec::Parse(text, "test.textproto");
  if (!spec.ok()) ADD_FAILURE() << spec.status();
  return *spec;
}

ScoreRequest ZooRequest::View() {
  context_view = context.View();
  candidates_view = candidates.View();
  return {scene, &context_view, &candidates_view, tasks};
}

void ZooRows::AddContext(int64_t rows, Table& table) {
  table.rows = rows;
  Ints("user", 40, rows, table);
  Column& hour = table.Add("hour", ValueType::kFloat);
  for (int64_t r = 0; r < rows; ++r) {
    hour.floats.push_back(static_cast<float>(Below(24)));
    if (Below(4) == 0) hour.missing.push_back(static_cast<uint32_t>(r));
  }
  Sequence("seen", 24, rows, table);
}

void ZooRows::AddCandidates(int64_t rows, Table& table) {
  table.rows = rows;
  Ints("item", 60, rows, table);
  Column& price = table.Add("price", ValueType::kFloat);
  for (int64_t r = 0; r < rows; ++r) price.floats.push_back(static_cast<float>(Below(100)));
  Column& color = table.Add("color", ValueType::kString);
  for (int64_t r = 0; r < rows; ++r) color.strings.push_back(Below(2) == 0 ? "red" : "green");
  Sequence("tags", 5, rows, table);
}

ZooRequest ZooRows::Request(const ModelSpec& spec, int64_t rows) {
  ZooRequest request;
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

void ZooRows::Ints(const char* name, int64_t end, int64_t rows, Table& table) {
  Column& column = table.Add(name, ValueType::kInt64);
  for (int64_t r = 0; r < rows; ++r) {
    column.ints.push_back(Below(end));
    if (Below(10) == 0) column.missing.push_back(static_cast<uint32_t>(r));
  }
}

void ZooRows::Sequence(const char* name, int64_t most, int64_t rows, Table& table) {
  Column& column = table.Add(name, ValueType::kInt64);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t length = Below(most);
    column.lengths.push_back(static_cast<uint32_t>(length));
    for (int64_t i = 0; i < length; ++i) column.ints.push_back(Below(30));
  }
}

void LearnZoo(Learner& learner, const ModelSpec& spec, uint32_t seed, int steps) {
  ZooRows values(seed);
  constexpr int64_t kRows = 48;
  for (int step = 0; step < steps; ++step) {
    for (const SceneSpec& scene : spec.scenes()) {
      Table features;
      values.AddContext(kRows, features);
      if (scene.has_candidates) values.AddCandidates(kRows, features);
      ExamplesView view;
      view.scene = scene.name;
      view.features = features.View();
      std::vector<std::vector<float>> labels;
      for (const int t : scene.tasks) {
        const TaskSpec& task = spec.tasks()[t];
        std::vector<float>& of_task = labels.emplace_back();
        for (int64_t i = 0; i < kRows * task.label_width; ++i) {
          of_task.push_back(static_cast<float>(values.Below(task.kind == TaskSpec::Kind::kMultiClass ? 3 : 2)));
        }
      }
      for (size_t t = 0; t < scene.tasks.size(); ++t) {
        view.labels.push_back({spec.tasks()[scene.tasks[t]].name, labels[t], {}});
      }
      const ExampleSlice slice{&view, 0, kRows, ""};
      const auto report = learner.Step(absl::MakeConstSpan(&slice, 1));
      if (!report.ok()) ADD_FAILURE() << report.status();
    }
  }
}

namespace {

void ExpectNear(const std::vector<float>& got, const std::vector<float>& expected, float tolerance,
                const std::string& where) {
  ASSERT_EQ(got.size(), expected.size()) << where;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance * std::max(1.0f, std::fabs(expected[i]))) << where << ", value " << i;
  }
}

}  // namespace

void ExpectScoresNear(const std::vector<ScoreResult>& got, const std::vector<ScoreResult>& expected, float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string where = absl::StrCat("request ", i, ", ", expected[i].rows, " rows");
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

}  // namespace polyscene
