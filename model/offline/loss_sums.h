// Mean losses over many steps.
#pragma once

#include <vector>

#include "model/feature/task_labels.h"
#include "model/spec/model_spec.h"

namespace polyscene {

class LossSums {
 public:
  explicit LossSums(const ModelSpec& spec);

  // task_losses: [tasks] means over the rows of `labels` whose weight is above 0; NaN where there is none.
  void Add(const std::vector<double>& task_losses, const std::vector<TaskLabels>& labels);

  std::vector<double> Means() const;  // [tasks] over all rows added; NaN where there was none.
  double Joint() const;               // The sum of weight x mean over the tasks that have one; NaN without any.

 private:
  std::vector<double> weights_;  // [tasks], of the joint loss.
  std::vector<bool> learned_;    // [tasks] Whether it has a loss of its own.
  std::vector<double> sums_;
  std::vector<double> rows_;
};

}  // namespace polyscene
