// How large the model of a model file is: weights, inputs and memory, without building it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

inline constexpr int kSceneInputs = 8;  // Of a scene's embedding, as model.proto says of SCENE_EMBEDDING.

// Dense weights of one part of the network.
struct LayerGroupSize {
  // "attention units", "scene embedding", "input gates", "cross layers", "shared layers", "experts", "shared experts",
  // "task experts", "gates", "scene weights", "tower gates", "towers", "heads".
  std::string name;
  int64_t parameters = 0;
};

struct TableSize {
  std::string name;
  int dimension = 0;
  std::vector<int>
      features;  // Indexes into ModelSpec::features() whose ids select its rows; a feature may be in it twice.
  // A row in memory: values, optimizer state, owner and pages exactly; its share of the index, which
  // doubles as it grows, between the two.
  int64_t least_row_bytes = 0;
  int64_t most_row_bytes = 0;
};

struct ModelSize {
  int64_t embedding_inputs = 0;        // A row's inputs from embeddings, one slot beside the other.
  int64_t dense_inputs = 0;            // From one_hot and numeric.
  int64_t scene_inputs = 0;            // From scene adaptation.
  int64_t interaction_inputs = 0;      // Products of embeddings, from interaction.
  std::vector<LayerGroupSize> groups;  // In the order that a row passes them; none is empty.
  int64_t parameters = 0;              // Their sum: dense weights, 4 bytes each.
  int64_t training_bytes = 0;          // Dense weights, their gradient and the optimizer's state.
  // Dense weights that each served version has of its own. Where it is compiled they are there packed as well, which is
  // as much again, and the first layers twice.
  int64_t snapshot_bytes = 0;
  std::vector<TableSize> tables;  // As ModelSpec::tables().

  int64_t inputs() const { return embedding_inputs + dense_inputs + scene_inputs + interaction_inputs; }
};

// What model/network, model/optimizer and model/embedding make of `spec`; a test holds them to it.
ModelSize SizeOf(const ModelSpec& spec);

}  // namespace polyscene
