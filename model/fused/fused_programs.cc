#include "model/fused/fused_programs.h"

#include "model/compiled/network_steps.h"
#include "model/compiled/program_builder.h"
#include "model/spec/model_size.h"

namespace polyscene {
namespace {

// A cache line: buffers begin at one whatever the number of rows.
constexpr int64_t kLineFloats = 16;

void LayOut(FusedProgram& fused) {
  for (const BufferSpec& buffer : fused.program.buffers) {
    fused.begins.push_back(fused.floats);
    fused.floats += (buffer.width + kLineFloats - 1) / kLineFloats * kLineFloats;
  }
}

// The first scene that runs the same steps on the same weights.
int FirstLike(const ModelSpec& spec, int scene) {
  const v1::Network& network = spec.file().network();
  const bool of_scene = network.has_single() || network.scene_towers() || network.scene_adaptation() == v1::STAR ||
                        network.scene_adaptation() == v1::GATE;
  if (of_scene) return scene;
  int first = 0;
  while (spec.scenes()[first].tasks != spec.scenes()[scene].tasks) ++first;
  return first;
}

}  // namespace

FusedPrograms::FusedPrograms(const ModelSpec& spec, const ParameterLayout& layout) {
  const bool has_scene_inputs = HasSceneInputs(spec);
  const InputLayout inputs = LayOutInputs(spec, has_scene_inputs ? kSceneInputs : 0, /*candidates=*/true);
  ProgramParts parts(layout, Arithmetic::kFloat32);
  for (int s = 0; s < static_cast<int>(spec.scenes().size()); ++s) {
    if (has_scene_inputs) scene_inputs.push_back(AddSceneInputs(s, parts));
    if (const int first = FirstLike(spec, s); first < s) {
      program_of.push_back(program_of[first]);
      continue;
    }
    program_of.push_back(static_cast<int>(programs.size()));
    ProgramBuilder builder(parts, inputs, spec.scenes()[s].name, /*split=*/false,
                           static_cast<int>(spec.towers().size()), Buffers::kKept);
    AppendNetwork(spec, s, builder);
    FusedProgram& fused = programs.emplace_back();
    fused.program = builder.Take();
    LayOut(fused);
  }
  shapes = parts.shapes();
  recipes = std::move(parts.weights());
}

}  // namespace polyscene
