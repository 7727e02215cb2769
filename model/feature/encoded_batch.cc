#include "model/feature/encoded_batch.h"

namespace polyscene {

void EncodedBatch::Clear() {
  rows = 0;
  scenes.clear();
  for (SlotIds& slot : slots) {
    slot.ids.clear();
    slot.lengths.clear();
  }
  dense.clear();
}

}  // namespace polyscene
