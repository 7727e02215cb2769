// Which of the network's inputs come from a request's context, which from each candidate.
#pragma once

#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

// Columns that lie side by side and come from one place.
struct InputPiece {
  int slot = -1;   // Of an embedding: index into ModelSpec::slots(); else -1,
  int group = -1;  // and its place among GroupSlots().
  int dense = -1;  // Else the first of EncodedBatch's dense inputs; -1: the scene's own inputs.
  int width = 0;
  bool context = false;  // The same in every row of a request.
  int column = 0;        // Among all of the network's inputs,
  int side_column = 0;   // and among those of its side.
};

struct InputLayout {
  std::vector<InputPiece> pieces;    // In the network's order.
  std::vector<int> context_columns;  // Which of the network's inputs are which side's, ascending.
  std::vector<int> candidate_columns;
  int width = 0;
};

// scene_inputs: how many inputs of its own a row's scene adds behind all others. candidates: whether requests have
// them; without, every row has a context of its own, and all columns are the rows'.
InputLayout LayOutInputs(const ModelSpec& spec, int scene_inputs, bool candidates);

}  // namespace polyscene
