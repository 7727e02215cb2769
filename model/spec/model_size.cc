#include "model/spec/model_size.h"

#include "model/spec/network_size.h"
#include "model/spec/row_stores.h"

namespace polyscene {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kIndexSlotBytes = 8;

// What the optimizer keeps of each weight: its state, and a factor where rates differ.
int64_t OptimizerFloats(const v1::DenseOptimizer& optimizer) {
  const int64_t factor = optimizer.tower_factor() == 1 ? 0 : 1;
  switch (optimizer.kind_case()) {
    case v1::DenseOptimizer::kSgd:
      return factor + (optimizer.sgd().momentum() > 0 ? 1 : 0);
    case v1::DenseOptimizer::kAdagrad:
      return factor + 1;
    case v1::DenseOptimizer::kAdam:
    case v1::DenseOptimizer::kAdamW:
    case v1::DenseOptimizer::KIND_NOT_SET:
      break;
  }
  return factor + 2;  // Two moments.
}

void AddTables(const ModelSpec& spec, ModelSize& size) {
  for (const TableSpec& table : spec.tables()) {
    TableSize& added = size.tables.emplace_back();
    added.name = table.name;
    added.dimension = table.dimension;
    // A page of 8 rows has its birth (8 bytes) and its entry in the page table (4); a row its optimizer's state, whose
    // it is (12), and where rows are let go, when and how often it was learned from (5).
    const int64_t row = (table.dimension + table.state_width) * kFloatBytes + 2 + 12 + (KeepsUses(table) ? 5 : 0);
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
  size.training_bytes = size.parameters * kFloatBytes * (2 + OptimizerFloats(spec.file().dense_optimizer()));
  size.snapshot_bytes = size.parameters * kFloatBytes;
  return size;
}

}  // namespace polyscene
