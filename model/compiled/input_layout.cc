#include "model/compiled/input_layout.h"

#include <algorithm>

#include "model/embedding/embedding_tables.h"

namespace polyscene {
namespace {

bool OfCandidates(const ModelSpec& spec, const EncodingSpec& encoding) {
  const auto candidate = [&](int feature) { return spec.features()[feature].candidate; };
  return candidate(encoding.feature) || std::any_of(encoding.with.begin(), encoding.with.end(), candidate);
}

// By slot and by first dense input.
struct Sides {
  std::vector<bool> slots;
  std::vector<InputPiece> dense;
};

Sides SidesOf(const ModelSpec& spec) {
  Sides sides;
  sides.slots.resize(spec.slots().size());
  for (const FeatureSpec& feature : spec.features()) {
    for (const EncodingSpec& encoding : feature.encodings) {
      const bool context = !OfCandidates(spec, encoding);
      if (encoding.slot >= 0) {
        sides.slots[encoding.slot] = context;
      } else {
        sides.dense.push_back({.dense = encoding.dense_offset, .width = encoding.dense_width, .context = context});
      }
    }
  }
  std::sort(sides.dense.begin(), sides.dense.end(),
            [](const InputPiece& a, const InputPiece& b) { return a.dense < b.dense; });
  return sides;
}

}  // namespace

InputLayout LayOutInputs(const ModelSpec& spec, int scene_inputs, bool candidates) {
  const Sides sides = SidesOf(spec);
  InputLayout layout;
  const std::vector<SlotGroup> groups = GroupSlots(spec);
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto add = [&](int slot) {
      layout.pieces.push_back(
          {.slot = slot, .group = static_cast<int>(g), .width = groups[g].dimension, .context = sides.slots[slot]});
    };
    for (const int slot : groups[g].singles) add(slot);
    for (const int slot : groups[g].sequences) add(slot);
  }
  layout.pieces.insert(layout.pieces.end(), sides.dense.begin(), sides.dense.end());
  if (scene_inputs > 0) layout.pieces.push_back({.width = scene_inputs, .context = true});

  for (InputPiece& piece : layout.pieces) {
    if (!candidates && (piece.slot >= 0 || piece.dense >= 0)) piece.context = false;
    std::vector<int>& side = piece.context ? layout.context_columns : layout.candidate_columns;
    piece.column = layout.width;
    piece.side_column = static_cast<int>(side.size());
    for (int i = 0; i < piece.width; ++i) side.push_back(layout.width + i);
    layout.width += piece.width;
  }
  return layout;
}

}  // namespace polyscene
