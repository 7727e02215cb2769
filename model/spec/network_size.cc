#include "model/spec/network_size.h"

#include <vector>

#include "model/spec/layer_widths.h"

namespace polyscene {
namespace {

constexpr int64_t kGateWidth = 32;  // Of the hidden layer of GATE's gates.

// Linear layers of `widths` one after the other; `inputs` becomes the last one's width.
template <typename Widths>
int64_t Layers(Skip skip, int64_t& inputs, const Widths& widths) {
  const std::vector<int64_t> read = LayerInputs(skip, inputs, widths);
  int64_t parameters = 0;
  for (int i = 0; i < widths.size(); ++i) parameters += (read[i] + 1) * widths[i];  // One more for the bias.
  inputs = read.back();
  return parameters;
}

class NetworkSize {
 public:
  NetworkSize(const ModelSpec& spec, ModelSize& size)
      : spec_(spec),
        network_(spec.file().network()),
        skip_(SkipOf(network_)),
        tasks_(static_cast<int64_t>(spec.towers().size())),
        scenes_(static_cast<int64_t>(spec.scenes().size())),
        size_(size) {}

  void AddShared() {
    AddAttention();
    AddSceneInputs();
    const int64_t before = size_.parameters;
    AddInteraction();
    int64_t width = size_.inputs();
    AddTrunk(width);
    AddBehindTrunk(width, size_.parameters - before);
    AddTowers(width);
  }

  // Of `single`: what a pair has before its head counts as its tower.
  void AddPairs() {
    AddAttention();
    AddProducts();
    const int64_t cross = CrossParameters();
    int64_t towers = 0;
    int64_t heads = 0;
    for (const SceneSpec& scene : spec_.scenes()) {
      for (const int task : scene.tasks) {
        if (spec_.tasks()[task].tower < 0) continue;
        int64_t width = size_.inputs();
        google::protobuf::RepeatedField<int32_t> hidden = network_.single().hidden();
        hidden.MergeFrom(network_.tower());
        towers += cross + Layers(skip_, width, hidden);
        heads += (width + 1) * spec_.tasks()[task].outputs;
      }
    }
    AddGroup("towers", towers);
    AddGroup("heads", heads);
  }

 private:
  void AddGroup(const char* name, int64_t parameters) {
    if (parameters == 0) return;
    size_.groups.push_back({name, parameters});
    size_.parameters += parameters;
  }

  void AddAttention() {
    int64_t parameters = 0;
    for (const SlotSpec& slot : spec_.slots()) {
      if (slot.attends_to < 0) continue;
      int64_t width = 3 * slot.dimension;
      parameters += Layers(Skip::kNone, width, spec_.file().features(slot.feature).sequence().attention().hidden());
      parameters += width + 1;
    }
    AddGroup("attention units", parameters);
  }

  int64_t GateHidden() const { return (size_.inputs() + 1 + kSceneInputs) * kGateWidth; }

  void AddSceneInputs() {
    const bool gate = network_.scene_adaptation() == v1::GATE;
    if (!gate && network_.scene_adaptation() != v1::SCENE_EMBEDDING) return;
    AddGroup("scene embedding", scenes_ * kSceneInputs);
    if (gate) {
      gate_hidden_ = GateHidden();
      AddGroup("input gates", gate_hidden_ + (kGateWidth + 1) * size_.inputs());
    } else {
      size_.scene_inputs = kSceneInputs;
    }
  }

  int64_t CrossParameters() const {
    if (!network_.interaction().has_cross()) return 0;
    const v1::Cross& cross = network_.interaction().cross();
    const int64_t inputs = size_.inputs();
    const int64_t weights = cross.rank() == 0 ? inputs * inputs : 2 * inputs * cross.rank();
    return cross.layers() * (weights + inputs);
  }

  void AddProducts() {
    if (network_.interaction().has_factorization_machine()) size_.interaction_inputs = spec_.slots()[0].dimension;
  }

  void AddInteraction() {
    AddGroup("cross layers", CrossParameters());
    AddProducts();
  }

  // `width` becomes that of what the towers read.
  void AddTrunk(int64_t& width) {
    if (network_.has_ple()) return AddPle(width);
    if (!network_.has_mmoe()) return AddGroup("shared layers", Layers(skip_, width, network_.shared_bottom().hidden()));
    const int64_t experts = network_.mmoe().experts();
    const int64_t gates = (width + 1) * tasks_ * experts;
    AddGroup("experts", experts * Layers(skip_, width, network_.mmoe().hidden()));
    AddGroup("gates", gates);
  }

  void AddPle(int64_t& width) {
    const v1::Ple& ple = network_.ple();
    const int64_t own = tasks_ * ple.task_experts();
    int64_t expert = 0;
    int64_t gates = 0;
    for (int layer = 0; layer < ple.layers(); ++layer) {
      gates += (width + 1) * (own + tasks_ * ple.shared_experts());
      if (layer + 1 < ple.layers()) gates += (width + 1) * (own + ple.shared_experts());
      expert += Layers(skip_, width, ple.hidden());
    }
    AddGroup("shared experts", ple.shared_experts() * expert);
    AddGroup("task experts", own * expert);
    AddGroup("gates", gates);
  }

  // width: of what they read.
  void AddTowers(int64_t width) {
    const int64_t tower = Layers(skip_, width, network_.tower());
    int64_t towers = 0;
    int64_t heads = 0;
    const auto add = [&](const TaskSpec& task) {
      if (task.tower < 0) return;
      towers += tower;
      heads += (width + 1) * task.outputs;
    };
    if (network_.scene_towers()) {
      for (const SceneSpec& scene : spec_.scenes()) {
        for (const int task : scene.tasks) add(spec_.tasks()[task]);
      }
    } else {
      for (const TaskSpec& task : spec_.tasks()) add(task);
    }
    AddGroup("towers", towers);
    AddGroup("heads", heads);
  }

  // tower_inputs: what the towers read; adapted: weights between the inputs and them.
  void AddBehindTrunk(int64_t tower_inputs, int64_t adapted) {
    if (network_.scene_adaptation() == v1::STAR) AddGroup("scene weights", scenes_ * adapted);
    if (network_.scene_adaptation() != v1::GATE) return;
    int64_t gated = 0;
    for (const int64_t read : LayerInputs(skip_, tower_inputs, network_.tower())) gated += read;
    AddGroup("tower gates", gate_hidden_ + (kGateWidth + 1) * tasks_ * gated);
  }

  const ModelSpec& spec_;
  const v1::Network& network_;
  const Skip skip_;
  const int64_t tasks_;  // That have a tower.
  const int64_t scenes_;
  ModelSize& size_;
  int64_t gate_hidden_ = 0;  // Weights of one gate's hidden layer.
};

}  // namespace

void AddNetworkSize(const ModelSpec& spec, ModelSize& size) {
  NetworkSize network(spec, size);
  if (spec.file().network().has_single()) {
    network.AddPairs();
  } else {
    network.AddShared();
  }
}

}  // namespace polyscene
