#include "model/compiled/network_steps.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/layer_widths.h"
#include "model/spec/model_size.h"

namespace polyscene {
namespace {

LayerName Layer(const std::string& name, int place = -1) {
  return {absl::StrCat(name, ".weight"), absl::StrCat(name, ".bias"), place};
}

LayerName Columns(const std::string& name, int begin, int count) {
  return {absl::StrCat(name, ".weight"), absl::StrCat(name, ".bias"), -1, begin, count};
}

// One scene's network in the making.
class NetworkSteps {
 public:
  NetworkSteps(const ModelSpec& spec, int scene, ProgramBuilder& builder)
      : spec_(spec),
        network_(spec.file().network()),
        skip_(SkipOf(network_)),
        scene_(scene),
        scene_name_(spec.scenes()[scene].name),
        builder_(builder),
        tower_count_(static_cast<int>(spec.towers().size())) {
    for (const int task : spec.scenes()[scene].tasks) {
      const TaskSpec& of_task = spec.tasks()[task];
      if (of_task.tower >= 0) AddTower(of_task.tower);
      for (const int factor : of_task.factors) AddTower(spec.tasks()[factor].tower);
    }
  }

  void Append() {
    const Rows adapted = Adapted(builder_.inputs());
    if (network_.has_single()) return Single(adapted);
    const Rows inputs = Interacted("cross", adapted);
    const std::vector<Rows> read = Trunk(inputs);
    for (size_t i = 0; i < towers_.size(); ++i) Tower(towers_[i], read[i], adapted);
  }

 private:
  // How a layer is found by the number that it has in its MLP.
  struct Names {
    std::string name;
    int place = -1;
    LayerName operator()(int layer) const { return Layer(absl::StrCat(name, ".", layer), place); }
  };

  void AddTower(int tower) {
    for (const int there : towers_) {
      if (there == tower) return;
    }
    towers_.push_back(tower);
  }
  std::string PairName(int tower) const {
    return absl::StrCat(scene_name_, "/", spec_.tasks()[spec_.towers()[tower]].name);
  }
  // The scene's own tower where it has one for the task: products may name tasks of other scenes.
  bool IsOfScene(int tower) const { return spec_.scenes()[scene_].has_task[spec_.towers()[tower]]; }

  ProgramBuilder::SceneTerm SceneTerm(const std::string& gate) const {
    return {"scene", absl::StrCat(gate, ".scene.weight"), scene_};
  }

  Rows Adapted(const Rows& inputs) {
    if (network_.scene_adaptation() != v1::GATE) return inputs;
    const ProgramBuilder::SceneTerm term = SceneTerm("input_gate");
    const Rows hidden = builder_.Linear(inputs, {Layer("input_gate.hidden")}, true, Reader::kProduct, &term);
    const Rows factors = builder_.Linear(hidden, {Layer("input_gate")}, false, Reader::kRows);
    builder_.Free(hidden);
    builder_.Open(factors);
    const Rows adapted = builder_.Multiply(inputs, factors, Reader::kProduct);
    builder_.Free(factors);
    return adapted;
  }

  Rows Interacted(const std::string& name, const Rows& inputs) {
    const v1::Interaction& interaction = network_.interaction();
    if (interaction.has_factorization_machine()) {
      const Rows products =
          builder_.PairProducts(inputs, static_cast<int>(spec_.slots().size()), spec_.slots()[0].dimension);
      const Rows all = builder_.Concat(inputs, products, Reader::kProduct);
      builder_.Free(products);
      return all;
    }
    Rows crossed = inputs;
    for (int layer = 0; layer < interaction.cross().layers() && interaction.has_cross(); ++layer) {
      const std::string prefix = absl::StrCat(name, ".", layer);
      Rows product;
      if (builder_.Has(prefix + ".down.weight")) {
        const Rows down = builder_.Linear(crossed, {{prefix + ".down.weight", ""}}, false, Reader::kProduct);
        product = builder_.Linear(down, {Layer(prefix + ".up")}, false, Reader::kRows);
        builder_.Free(down);
      } else {
        product = builder_.Linear(crossed, {Layer(prefix)}, false, Reader::kRows);
      }
      const Rows next = builder_.Cross(inputs, product, crossed, Reader::kProduct);
      builder_.Free(product);
      if (layer > 0) builder_.Free(crossed);
      crossed = next;
    }
    return crossed;
  }

  // What comes behind a hidden layer, as PassOn() in model/network says.
  Rows PassedOn(const Rows& in, const Rows& out, bool last, Reader reader) {
    if (skip_ == Skip::kResidual && in.width == out.width) {
      const Rows sum = builder_.Add(in, out, reader);
      builder_.Free(out);
      return sum;
    }
    if (skip_ == Skip::kDense && !last) {
      const Rows both = builder_.Concat(in, out, reader);
      builder_.Free(out);
      return both;
    }
    return out;
  }

  // reader: of what comes out.
  Rows HiddenLayer(const Rows& in, const LayerName& layer, bool last, Reader reader) {
    return PassedOn(in, builder_.Linear(in, {layer}, true, reader), last, reader);
  }

  // keep: `in` is read by others, too.
  Rows Mlp(const Names& names, Rows in, bool keep, Reader reader) {
    const int layers = builder_.LayerCount(names.name);
    for (int layer = 0; layer < layers; ++layer) {
      const bool last = layer + 1 == layers;
      const Rows out = HiddenLayer(in, names(layer), last, last ? reader : Reader::kProduct);
      if (layer > 0 || !keep) builder_.Free(in);
      in = out;
    }
    return in;
  }

  // Experts whose first layers lie in one matrix: see Experts in model/network.
  std::vector<Rows> SharedExperts(const std::string& name, int count, int first_width, const Rows& in) {
    std::vector<Rows> outputs;
    const Names later{name};
    const int layers = builder_.LayerCount(name);
    for (int e = 0; e < count; ++e) {
      const LayerName first = Columns(name + ".first", e * first_width, first_width);
      Rows hidden = HiddenLayer(in, first, layers == 0, layers == 0 ? Reader::kRows : Reader::kProduct);
      outputs.push_back(layers == 0 ? hidden : Mlp({name, e}, hidden, /*keep=*/false, Reader::kRows));
    }
    return outputs;
  }

  std::vector<Rows> Trunk(const Rows& inputs) {
    if (network_.has_mmoe()) return Mmoe(inputs);
    if (network_.has_ple()) return Ple(inputs);
    return std::vector<Rows>(towers_.size(), Mlp({"bottom"}, inputs, /*keep=*/true, Reader::kTower));
  }

  std::vector<Rows> Mmoe(const Rows& inputs) {
    const v1::Mmoe& mmoe = network_.mmoe();
    const std::vector<Rows> experts = SharedExperts("expert", mmoe.experts(), mmoe.hidden(0), inputs);
    std::vector<LayerName> gates;
    for (const int tower : towers_) gates.push_back(Columns("gate", tower * mmoe.experts(), mmoe.experts()));
    const Rows shares = builder_.Linear(inputs, gates, false, Reader::kRows);
    builder_.Softmax(shares, mmoe.experts());
    std::vector<Rows> mixed;
    for (size_t i = 0; i < towers_.size(); ++i) {
      builder_.OfTower(towers_[i]);
      mixed.push_back(builder_.Mix(experts, shares, static_cast<int>(i) * mmoe.experts(), Reader::kTower));
    }
    builder_.OfTower(-1);
    return mixed;
  }

  // What goes from one layer to the next.
  struct Streams {
    std::vector<Rows> tasks;  // [towers]
    Rows shared;
  };

  std::vector<Rows> Ple(const Rows& inputs) {
    Streams streams{std::vector<Rows>(tower_count_, inputs), inputs};
    const int layers = network_.ple().layers();
    for (int layer = 0; layer + 1 < layers; ++layer) streams = CgcLayer(layer, streams);
    return LastCgcLayer(layers - 1, streams);
  }

  std::vector<Rows> PleShared(int layer, const Rows& in) {
    return SharedExperts(absl::StrCat("shared_expert.", layer), network_.ple().shared_experts(),
                         network_.ple().hidden(0), in);
  }
  std::vector<Rows> PleOwn(int layer, int tower, const Rows& in) {
    std::vector<Rows> own;
    const int count = network_.ple().task_experts();
    for (int i = 0; i < count; ++i) {
      own.push_back(Mlp({absl::StrCat("task_expert.", layer), tower * count + i}, in, /*keep=*/true, Reader::kRows));
    }
    return own;
  }
  Rows PleMixed(int layer, int tower, const Rows& in, std::vector<Rows> own, const std::vector<Rows>& shared,
                Reader reader) {
    const Rows shares = builder_.Linear(in, {Layer(absl::StrCat("gate.", layer), tower)}, false, Reader::kRows);
    builder_.Softmax(shares, shares.width);
    own.insert(own.end(), shared.begin(), shared.end());
    const Rows mixed = builder_.Mix(own, shares, 0, reader);
    builder_.Free(shares);
    return mixed;
  }

  Streams CgcLayer(int layer, const Streams& in) {
    const std::vector<Rows> shared = PleShared(layer, in.shared);
    Streams out;
    std::vector<Rows> all;  // Every task's experts, then the shared ones.
    for (int tower = 0; tower < tower_count_; ++tower) {
      const std::vector<Rows> own = PleOwn(layer, tower, in.tasks[tower]);
      out.tasks.push_back(PleMixed(layer, tower, in.tasks[tower], own, shared, Reader::kProduct));
      all.insert(all.end(), own.begin(), own.end());
    }
    all.insert(all.end(), shared.begin(), shared.end());
    const std::string gate = absl::StrCat("shared_gate.", layer);
    const Rows shares =
        builder_.Linear(in.shared, {Layer(gate + ".to_tasks"), Layer(gate + ".to_shared")}, false, Reader::kRows);
    builder_.Softmax(shares, shares.width);
    out.shared = builder_.Mix(all, shares, 0, Reader::kProduct);
    builder_.Free(shares);
    for (const Rows& rows : all) builder_.Free(rows);
    return out;
  }

  std::vector<Rows> LastCgcLayer(int layer, const Streams& in) {
    const std::vector<Rows> shared = PleShared(layer, in.shared);
    std::vector<Rows> mixed;
    for (const int tower : towers_) {
      builder_.OfTower(tower);
      const std::vector<Rows> own = PleOwn(layer, tower, in.tasks[tower]);
      mixed.push_back(PleMixed(layer, tower, in.tasks[tower], own, shared, Reader::kTower));
      for (const Rows& rows : own) builder_.Free(rows);
    }
    builder_.OfTower(-1);
    return mixed;
  }

  // adapted: what the gates read.
  void Tower(int tower, Rows in, const Rows& adapted) {
    builder_.OfTower(-1);
    if (network_.scene_adaptation() == v1::GATE && !tower_hidden_.has_value()) {
      const ProgramBuilder::SceneTerm term = SceneTerm("tower_gate");
      tower_hidden_ = builder_.Linear(adapted, {Layer("tower_gate.hidden")}, true, Reader::kProduct, &term);
    }
    const bool of_scene = network_.scene_towers();
    if (of_scene && !IsOfScene(tower)) return;
    builder_.OfTower(tower);
    const Names names = of_scene ? Names{absl::StrCat("tower.", PairName(tower))} : Names{"tower", tower};
    const LayerName head =
        Layer(absl::StrCat("head.", of_scene ? PairName(tower) : spec_.tasks()[spec_.towers()[tower]].name));
    const Reader last_reader = builder_.HeadReader(head);
    const int layers = builder_.LayerCount(names.name);
    for (int layer = 0; layer < layers; ++layer) {
      in = Gated(tower, layer, in, Reader::kTower);
      const bool last = layer + 1 == layers;
      in = HiddenLayer(in, names(layer), last, last ? last_reader : Reader::kTower);
    }
    builder_.Logits(tower, Gated(tower, layers, in, last_reader), head);
    builder_.OfTower(-1);
  }

  Rows Gated(int tower, int layer, const Rows& in, Reader reader) {
    if (!tower_hidden_.has_value()) return in;
    const Rows factors =
        builder_.Linear(*tower_hidden_, {Columns(absl::StrCat("tower_gate.", layer), tower * in.width, in.width)},
                        false, Reader::kRows);
    builder_.Open(factors);
    const Rows gated = builder_.Multiply(in, factors, reader);
    builder_.Free(factors);
    return gated;
  }

  void Single(const Rows& inputs) {
    for (const int tower : towers_) {
      if (!IsOfScene(tower)) continue;
      builder_.OfTower(tower);
      const std::string name = absl::StrCat("tower.", PairName(tower));
      const Rows in = Interacted(absl::StrCat(name, ".cross"), inputs);
      const LayerName head = Layer("head." + PairName(tower));
      builder_.Logits(tower, Mlp({name}, in, /*keep=*/true, builder_.HeadReader(head)), head);
    }
    builder_.OfTower(-1);
  }

  const ModelSpec& spec_;
  const v1::Network& network_;
  const Skip skip_;
  const int scene_;
  const std::string scene_name_;
  ProgramBuilder& builder_;
  const int tower_count_;
  std::vector<int> towers_;  // That the scene's tasks need.
  std::optional<Rows> tower_hidden_;
};

}  // namespace

void AppendNetwork(const ModelSpec& spec, int scene, ProgramBuilder& builder) {
  NetworkSteps(spec, scene, builder).Append();
}

bool HasSceneInputs(const ModelSpec& spec) {
  return spec.file().network().scene_adaptation() == v1::SCENE_EMBEDDING && !spec.file().network().has_single();
}

int AddSceneInputs(int scene, ProgramParts& parts) {
  WeightRecipes::Vector of_scene;
  of_scene.columns = {{.parameter = parts.Find("scene"), .place = scene, .count = kSceneInputs}};
  return parts.weights().Add(std::move(of_scene));
}

bool CanSplit(const ModelSpec& spec) {
  const v1::Network& network = spec.file().network();
  return network.scene_adaptation() != v1::GATE && network.interaction().kind_case() == v1::Interaction::KIND_NOT_SET &&
         SkipOf(network) == Skip::kNone;
}

std::string WhyNotCompiled(const ModelSpec& spec) {
  for (const SlotSpec& slot : spec.slots()) {
    if (slot.attends_to < 0) continue;
    return absl::StrCat("feature '", spec.features()[slot.feature].name, "' is pooled by attention");
  }
  return "";
}

}  // namespace polyscene
