// Small models and tables for tests of learning.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/data/examples.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"

namespace polyscene {

// Labelled rows of one scene that own their values.
struct OwnedExamples {
  struct TaskLabels {
    std::string task;
    std::vector<float> values;
    std::vector<uint32_t> missing;
  };
  std::string scene = "shop";
  Table features;
  std::vector<TaskLabels> labels;
  std::vector<float> weights;
  std::vector<int64_t> times;

  ExamplesView View() const {
    ExamplesView view;
    view.scene = scene;
    view.features = features.View();
    for (const TaskLabels& task : labels) view.labels.push_back({task.task, task.values, task.missing});
    view.weights = weights;
    view.event_times_micros = times;
    return view;
  }
};

inline std::shared_ptr<const ModelSpec> ParseModel(const std::string& text) {
  auto spec = ModelSpec::Parse(text, "test.textproto");
  if (!spec.ok()) ADD_FAILURE() << spec.status();
  return *spec;
}

inline std::unique_ptr<Learner> NewLearner(const std::shared_ptr<const ModelSpec>& spec) {
  auto learner = CreateLearner(spec, LearnerOptions());
  if (!learner.ok()) ADD_FAILURE() << learner.status();
  return *std::move(learner);
}

// One step on all rows of `examples`.
inline StepReport Learn(Learner& learner, const OwnedExamples& examples, absl::string_view producer = "") {
  const ExamplesView view = examples.View();
  const ExampleSlice slice{&view, 0, view.rows(), producer};
  auto report = learner.Step(absl::MakeConstSpan(&slice, 1));
  if (!report.ok()) ADD_FAILURE() << report.status();
  return *report;
}

// Scores of `task` for every row of a table whose scene has no candidate features.
inline std::vector<float> Score(const std::shared_ptr<const ModelSpec>& spec, const Snapshot& snapshot,
                                const Table& context, const std::string& scene, const std::string& task) {
  auto predictor = CreatePredictor(spec, HashKey(), "cpu");
  const TableView view = context.View();
  const int wanted = spec->FindTask(task);
  ScoreRequest request;
  request.scene = spec->FindScene(scene);
  request.context = &view;
  request.tasks = absl::MakeConstSpan(&wanted, 1);
  auto results = (*predictor)->Score(snapshot, absl::MakeConstSpan(&request, 1));
  if (!results.ok()) ADD_FAILURE() << results.status();
  return (*results)[0].tasks[0].values;
}

inline double Figure(const std::vector<EvaluationFigure>& figures, const std::string& scene, const std::string& task,
                     const std::string& metric) {
  for (const EvaluationFigure& figure : figures) {
    if (figure.scene == scene && figure.task == task && figure.metric == metric) return figure.value;
  }
  ADD_FAILURE() << "no figure " << scene << " " << task << " " << metric;
  return 0;
}

}  // namespace polyscene
