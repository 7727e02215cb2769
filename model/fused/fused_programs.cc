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

}  // namespace

FusedPrograms::FusedPrograms(const ModelSpec& spec, const ParameterLayout& layout) {
  const bool scene_inputs = HasSceneInputs(spec);
  const InputLayout inputs = LayOutInputs(spec, scene_inputs ? kSceneInputs : 0, /*candidates=*/true);
  ProgramParts parts(layout, Arithmetic::kFloat32);
  for (int s = 0; s < static_cast<int>(spec.scenes().size()); ++s) {
    ProgramBuilder builder(parts, inputs, spec.scenes()[s].name, /*split=*/false,
                           static_cast<int>(spec.towers().size()), Buffers::kKept);
    AppendNetwork(spec, s, builder);
    FusedProgram& fused = scenes.emplace_back();
    fused.program = builder.Take();
    if (scene_inputs) fused.scene_inputs = AddSceneInputs(s, parts);
    LayOut(fused);
  }
  shapes = parts.shapes();
  recipes = std::move(parts.weights());
}

}  // namespace polyscene
