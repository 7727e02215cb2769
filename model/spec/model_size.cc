#include "model/spec/model_size.h"

namespace polyscene {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kSceneInputs = 8;  // As model.proto says of SCENE_EMBEDDING.
constexpr int64_t kIndexSlotBytes = 16;

// Linear layers of `widths` one after the other; `inputs` becomes the last one's width.
template <typename Widths>
int64_t Layers(int64_t& inputs, const Widths& widths) {
  int64_t parameters = 0;
  for (const int64_t width : widths) {
    parameters += (inputs + 1) * width;  // One more for the bias.
    inputs = width;
  }
  return parameters;
}

void AddGroup(ModelSize& size, const char* name, int64_t parameters) {
  if (parameters == 0) return;
  size.groups.push_back({name, parameters});
  size.parameters += parameters;
}

void AddNetwork(const ModelSpec& spec, ModelSize& size) {
  const v1::Network& network = spec.file().network();
  const int64_t tasks = static_cast<int64_t>(spec.tasks().size());
  if (network.scene_adaptation() == v1::SCENE_EMBEDDING) {
    size.scene_inputs = kSceneInputs;
    AddGroup(size, "scene embedding", static_cast<int64_t>(spec.scenes().size()) * kSceneInputs);
  }
  int64_t width = size.inputs();
  if (network.has_mmoe()) {
    const int64_t experts = network.mmoe().experts();
    const int64_t gates = (width + 1) * tasks * experts;
    AddGroup(size, "experts", experts * Layers(width, network.mmoe().hidden()));
    AddGroup(size, "gates", gates);
  } else {
    AddGroup(size, "shared layers", Layers(width, network.shared_bottom().hidden()));
  }
  AddGroup(size, "towers", tasks * Layers(width, network.tower()));
  int64_t heads = 0;
  for (const TaskSpec& task : spec.tasks()) heads += (width + 1) * task.outputs;
  AddGroup(size, "heads", heads);
}

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
  AddNetwork(spec, size);
  const int64_t state = spec.file().dense_optimizer().has_sgd() ? 0 : 2;  // Adam: two moments.
  size.training_bytes = size.parameters * kFloatBytes * (2 + state);
  size.snapshot_bytes = size.parameters * kFloatBytes;
  return size;
}

}  // namespace polyscene
