// The network's shape.
#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/spec/checks.h"
#include "model/spec/embedding_tables.h"
#include "model/spec/model_size.h"

namespace polyscene {
namespace {

// Beyond it a layer's weights outgrow any cache, and a slip of the finger allocates gigabytes.
constexpr int kMaxWidth = 16384;

void CheckWidths(const google::protobuf::RepeatedField<int32_t>& widths, const Place& place, absl::string_view field,
                 Mistakes& mistakes) {
  for (int i = 0; i < widths.size(); ++i) {
    if (widths[i] >= 1 && widths[i] <= kMaxWidth) continue;
    mistakes.Add(place.Field(field, i), absl::StrCat(field, " has width ", widths[i], ", expected 1 to ", kMaxWidth));
  }
}

void CheckHidden(const google::protobuf::RepeatedField<int32_t>& widths, const Place& place, Mistakes& mistakes) {
  if (widths.empty()) mistakes.Add(place.Field("hidden"), "no hidden layers, expected the width of at least one");
  CheckWidths(widths, place, "hidden", mistakes);
}

// As CheckInteger(), where 0 takes the default.
void CheckOptional(const Place& place, absl::string_view field, int64_t value, int64_t max, Mistakes& mistakes) {
  if (value != 0) CheckInteger(place, field, value, 1, max, mistakes);
}

void CheckPle(const v1::Ple& ple, const Place& place, Mistakes& mistakes) {
  CheckOptional(place, "layers", ple.layers(), 8, mistakes);
  CheckOptional(place, "shared_experts", ple.shared_experts(), 64, mistakes);
  CheckOptional(place, "task_experts", ple.task_experts(), 64, mistakes);
  CheckHidden(ple.hidden(), place, mistakes);
}

// A row's inputs as far as the features tell it: a mistake among them is told elsewhere.
int64_t InputCount(const v1::ModelFile& file) {
  int64_t inputs = file.network().scene_adaptation() == v1::SCENE_EMBEDDING ? kSceneInputs : 0;
  for (const EmbeddingUse& use : EmbeddingUses(file)) inputs += use.embedding->dimension();
  for (const v1::Feature& feature : file.features()) {
    for (const v1::Encoding& encoding : feature.encode()) {
      if (encoding.has_one_hot()) inputs += encoding.one_hot().values_size();
      if (encoding.has_numeric()) inputs += feature.required() ? 1 : 2;
      if (encoding.has_vector()) inputs += encoding.vector().length() + (feature.required() ? 0 : 1);
    }
  }
  return inputs;
}

void CheckFactorizationMachine(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const std::vector<EmbeddingUse> uses = EmbeddingUses(file);
  if (uses.size() < 2) {
    mistakes.Add(place, absl::StrCat("factorization_machine multiplies embeddings, and the model has ", uses.size(),
                                     ", expected at least 2"));
  }
  std::set<int> dimensions;
  for (const EmbeddingUse& use : uses) dimensions.insert(use.embedding->dimension());
  if (dimensions.size() > 1) {
    mistakes.Add(place, absl::StrCat("factorization_machine multiplies embeddings, and these have dimensions ",
                                     absl::StrJoin(dimensions, ", "), ", expected one dimension for all"));
  }
}

void CheckInteraction(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const v1::Interaction& interaction = file.network().interaction();
  switch (interaction.kind_case()) {
    case v1::Interaction::kCross: {
      const Place here = place.Field("cross");
      CheckOptional(here, "layers", interaction.cross().layers(), 8, mistakes);
      CheckOptional(here, "rank", interaction.cross().rank(), std::max<int64_t>(InputCount(file), 1), mistakes);
      break;
    }
    case v1::Interaction::kFactorizationMachine:
      CheckFactorizationMachine(file, place.Field("factorization_machine"), mistakes);
      break;
    case v1::Interaction::KIND_NOT_SET:
      if (!file.network().has_interaction() || AnyBad(place, {"cross", "factorization_machine"})) break;
      mistakes.Add(place, "the interaction has no kind, expected cross { } or factorization_machine { }");
      break;
  }
}

}  // namespace

void CheckNetwork(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const v1::Network& network = file.network();
  const Place here = place.Field("network");
  switch (network.kind_case()) {
    case v1::Network::KIND_NOT_SET:
      if (AnyBad(here, {"shared_bottom", "mmoe", "ple", "single"})) break;
      mistakes.Add(here,
                   "the model has no network, expected network { } with shared_bottom, mmoe, ple or single in it");
      break;
    case v1::Network::kSharedBottom:
      CheckHidden(network.shared_bottom().hidden(), here.Field("shared_bottom"), mistakes);
      break;
    case v1::Network::kMmoe:
      CheckInteger(here.Field("mmoe"), "experts", network.mmoe().experts(), 2, 64, mistakes);
      CheckHidden(network.mmoe().hidden(), here.Field("mmoe"), mistakes);
      break;
    case v1::Network::kPle:
      CheckPle(network.ple(), here.Field("ple"), mistakes);
      break;
    case v1::Network::kSingle:
      CheckHidden(network.single().hidden(), here.Field("single"), mistakes);
      if (network.scene_adaptation() > v1::NO_ADAPTATION) {
        mistakes.Add(here.Field("scene_adaptation"),
                     absl::StrCat("scene_adaptation is ", v1::SceneAdaptation_Name(network.scene_adaptation()),
                                  ", expected NO_ADAPTATION: single has a network for each scene"));
      }
      if (network.scene_towers()) {
        mistakes.Add(here.Field("scene_towers"),
                     "scene_towers is true, expected it left out: single has a network for each scene");
      }
      break;
  }
  CheckWidths(network.tower(), here, "tower", mistakes);
  CheckInteraction(file, here.Field("interaction"), mistakes);
}

}  // namespace polyscene
