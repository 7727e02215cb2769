// The network's shape.
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"

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

}  // namespace

void CheckNetwork(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const v1::Network& network = file.network();
  const Place here = place.Field("network");
  switch (network.kind_case()) {
    case v1::Network::KIND_NOT_SET:
      if (AnyBad(here, {"shared_bottom", "mmoe"})) break;
      mistakes.Add(here, "the model has no network, expected network { shared_bottom { } } or network { mmoe { } }");
      break;
    case v1::Network::kSharedBottom:
      CheckHidden(network.shared_bottom().hidden(), here.Field("shared_bottom"), mistakes);
      break;
    case v1::Network::kMmoe:
      CheckInteger(here.Field("mmoe"), "experts", network.mmoe().experts(), 2, 64, mistakes);
      CheckHidden(network.mmoe().hidden(), here.Field("mmoe"), mistakes);
      break;
  }
  CheckWidths(network.tower(), here, "tower", mistakes);
}

}  // namespace polyscene
