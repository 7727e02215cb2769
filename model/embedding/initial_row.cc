#include "model/embedding/initial_row.h"

namespace polyscene {

void InitialRow(uint64_t seed, uint64_t table, uint64_t id, float range, absl::Span<float> values) {
  uint64_t state = seed;
  state = SplitMix64(state) ^ table;
  state = SplitMix64(state) ^ id;
  for (float& value : values) value = range * SignedUnit(SplitMix64(state));
}

}  // namespace polyscene
