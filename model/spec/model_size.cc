#include "model/spec/model_size.h"

#include "model/spec/network_size.h"

namespace polyscene {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kIndexSlotBytes = 16;

void AddTables(const ModelSpec& spec, ModelSize& size) {
  for (const TableSpec& table : spec.tables()) {
    TableSize& added = size.tables.emplace_back();
    added.name = table.name;
    added.dimension = table.dimension;
    // A page of 8 rows has its birth (8 bytes) and its entry in the page table (4); a row its optimizer's accumulator
    // (4), where the last step met it (12), and whose it is (12).
    const int64_t row = table.dimension * kFloatBytes + 2 + 4 + 12 + 12;
    added.least_row_bytes = row + kIndexSlotBytes * 8 / 5;  // The index is at most 5/8 full,
    added.most_row_bytes = row + kIndexSlotBytes * 16 / 5;  // and half of that just after it has grown.
  }
  for (const SlotSpec& slot : spec.slots()) {
    size.embedding_inputs += slot.dimension;
    size.tables[slot.table].features.push_back(slot.feature);
  }
}

}  // namespace

ModelSize SizeOf(const ModelSpec& spec) {
  ModelSize size;
  AddTables(spec, size);
  size.dense_inputs = spec.dense_width();
  AddNetworkSize(spec, size);
  const int64_t state = spec.file().dense_optimizer().has_sgd() ? 0 : 2;  // Adam: two moments.
  size.training_bytes = size.parameters * kFloatBytes * (2 + state);
  size.snapshot_bytes = size.parameters * kFloatBytes;
  return size;
}

}  // namespace polyscene
