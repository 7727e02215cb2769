// `polyscene predict --evaluate`: a file of labelled requests, scored and compared with what happened.
#pragma once

#include <string>
#include <vector>

#include "client/cli/commands.h"

namespace polyscene::cli {

struct EvaluateFlags {
  std::string file;
  std::vector<std::string> scenes;     // Empty: all.
  std::vector<std::string> tasks;      // Empty: all of each scene.
  int k = 10;                          // Of NDCG.
  std::string relevance;               // Empty: the first task of each scene's rank_by.
  std::vector<std::string> baselines;  // TASK=COLUMN or TASK=COLUMN/DIVISOR.
};

int EvaluateRequests(const CommonFlags& common, const EvaluateFlags& flags);  // Returns the exit status.

}  // namespace polyscene::cli
