// How the tasks and scenes share the network: their losses' weights, and whether their gradients agree.
#pragma once

#include <optional>
#include <vector>

namespace polyscene {

// Of gradients on the shared weights (the dense ones before the towers, and the batch's embedding rows), averaged over
// the steps they were measured in.
struct GradientFigures {
  std::vector<double> norms;    // [n] NaN where never measured.
  std::vector<double> cosines;  // [n, n], symmetric; NaN where never measured together.
};

struct BalanceFigures {
  std::vector<double> task_weights;  // [tasks] What multiplies each loss: the model file's weight and the balance's.
  GradientFigures tasks;             // Of each task's loss before any weight.
  GradientFigures scenes;            // Of the joint loss of each scene's rows.
};

struct GradientPair {
  int first = 0;
  int second = 0;  // Above first.
  double cosine = 0;
};

// The pair that agrees least; none where no two were measured together.
std::optional<GradientPair> WorstPair(const GradientFigures& figures);

}  // namespace polyscene
