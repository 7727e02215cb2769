// What a regression's labels are moved and divided by before the network fits them. No LibTorch.
#pragma once

#include "model/feature/statistics.h"
#include "model/feature/task_labels.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct LabelScale {
  double center = 0;
  double scale = 1;  // Above 0.
};

// The task's of the model file, or, where it is standardized, the mean and deviation of the labels that `statistics`
// saw: 0 and 1 before the second, and a scale of 1 while all of them are the same.
LabelScale ScaleOf(const TaskSpec& task, const FeatureStatistics& statistics);

// log(1e6): no count is above 1,000,000 (model/feature/label_check.cc), so no score of a Poisson task need be, and no
// gradient grows beyond. Above it the loss goes on as a line and the score stays.
inline constexpr double kMostPoissonLogit = 13.815510557964274;

// Whether there is one to learn by: not before a standardized task's second label. Labels as they are could be so far
// off that what an optimizer remembers of their gradients would hold its weights still for good.
bool HasScale(const TaskSpec& task, const FeatureStatistics& statistics);

// Takes a batch's labels into the statistics of the tasks that are standardized, in the order of its rows. Labels whose
// weight is 0 or below do not count. labels: [tasks]
void ObserveLabels(const ModelSpec& spec, const std::vector<TaskLabels>& labels, FeatureStatistics& statistics);

// On the scale that evaluation uses, and that standardized labels are on before: f(label) of Transform in model.proto.
float EvaluatedLabel(const TaskSpec& task, float label);

}  // namespace polyscene
