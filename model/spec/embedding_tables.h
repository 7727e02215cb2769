// Which embedding table each encoding of a model file uses.
#pragma once

#include <string>
#include <vector>

#include "polyscene/v1/model.pb.h"

namespace polyscene {

// One encoding with an embedding.
struct EmbeddingUse {
  int feature = 0;                           // Index into the file's features,
  int encoding = 0;                          // and into that feature's encodings.
  const v1::Embedding* embedding = nullptr;  // In the file.
  std::string table;  // Named, or by default: the feature's name, then <name>_2 for its second embedding, and so on.
};

// In the file's order.
std::vector<EmbeddingUse> EmbeddingUses(const v1::ModelFile& file);

// The embedding of an encoding; null if its kind has none, or it was left out.
const v1::Embedding* FindEmbedding(const v1::Encoding& encoding);

}  // namespace polyscene
