// Rows as the network takes them: ids per embedding slot, and one dense matrix.
#pragma once

#include <cstdint>
#include <vector>

namespace polyscene {

// The id of a row without a value, in every embedding table. No feature value encodes to it.
inline constexpr uint64_t kMissingId = uint64_t{1} << 63;

// Ids of one slot. Single-valued: ids[r] of row r. Sequence: lengths[r] ids for row r, one row after the other.
struct SlotIds {
  std::vector<uint64_t> ids;
  std::vector<int32_t> lengths;  // [rows] of a sequence, else empty.
};

// Grows by FeatureEncoder's Append calls, is emptied by Clear() and keeps its memory for the next use. Not thread-safe.
struct EncodedBatch {
  int64_t rows = 0;
  std::vector<int32_t> scenes;  // [rows] index of each row's scene.
  std::vector<SlotIds> slots;   // One a ModelSpec slot.
  std::vector<float> dense;     // [rows, dense_width] row-major.

  void Clear();
};

}  // namespace polyscene
