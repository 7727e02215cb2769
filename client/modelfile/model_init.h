// `polyscene model init`: a table in, a model file and the reasons for it out.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/modelfile/model_writer.h"
#include "model/report/figure_json.h"

namespace polyscene {

struct InitOptions {
  std::string events;  // The table's path.
  std::string name;    // The model's; empty: made from the path.
  SampleOptions sample;
  Wishes wishes;
};

struct InitResult {
  TableSample sample;
  TableGuess guess;
  Proposal proposal;
  WrittenModel written;  // Its text loads, and its columns are in the table: both were tried.
};

// TableSample::Read()'s and GuessRoles()'s errors; kInternal: the proposal does not load (our mistake).
absl::StatusOr<InitResult> InitModel(const InitOptions& options);

// For people, on standard error: each guess with its reason, then what could not be known. `out`: where the text went;
// empty: to standard output.
std::string GuessesText(const InitResult& result, const std::string& out);

// The same for programs.
Json GuessesJson(const InitResult& result);

}  // namespace polyscene
