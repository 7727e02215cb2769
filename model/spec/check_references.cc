// What features say of each other: crosses and attention.
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"
#include "model/spec/embedding_tables.h"

namespace polyscene {
namespace {

constexpr int kMaxCrossed = 3;

class ReferenceChecker {
 public:
  ReferenceChecker(const v1::ModelFile& file, Mistakes& mistakes) : mistakes_(mistakes) {
    for (const v1::Feature& feature : file.features()) features_.try_emplace(feature.name(), &feature);
  }

  void CheckCrossed(const v1::Feature& feature, const v1::Crossed& crossed, const Place& place) {
    if (crossed.with().empty() || crossed.with_size() > kMaxCrossed) {
      mistakes_.Add(place.Field("with"), absl::StrCat("with lists ", crossed.with_size(), ", expected 1 to ",
                                                      kMaxCrossed, " other features"));
    }
    absl::flat_hash_set<std::string> seen = {feature.name()};
    for (int i = 0; i < crossed.with_size(); ++i) {
      const std::string& name = crossed.with(i);
      const Place here = place.Field("with", i);
      const v1::Feature* other = Find(name, "with", here);
      if (other == nullptr) continue;
      if (!seen.insert(name).second) {
        mistakes_.Add(here, absl::StrCat("with names feature '", name, "' again, expected each feature once"));
      } else if (other->type() == v1::FLOAT || other->has_sequence() || other->has_training_only()) {
        mistakes_.Add(here, absl::StrCat("with names feature '", name, "', which is ",
                                         other->has_sequence()        ? "a sequence"
                                         : other->has_training_only() ? "training_only"
                                                                      : "FLOAT",
                                         ", expected INT64 or STRING, a single value and not training_only"));
      }
    }
  }

  void CheckAttention(const v1::Feature& feature, const Place& place) {
    const std::string& name = feature.sequence().attention().to();
    const v1::Feature* to = Find(name, "to", place.Field("to"));
    if (to == nullptr) return;
    const v1::Embedding* target = to->encode().empty() ? nullptr : FindEmbedding(to->encode(0));
    if (to->has_sequence() || to->has_training_only() || target == nullptr) {
      mistakes_.Add(place.Field("to"), absl::StrCat("to names feature '", name,
                                                    "', expected one that is no sequence, is not training_only and "
                                                    "whose first encoding is an embedding"));
      return;
    }
    for (const v1::Encoding& encoding : feature.encode()) {
      const v1::Embedding* own = FindEmbedding(encoding);
      if (own == nullptr || own->dimension() == target->dimension()) continue;
      mistakes_.Add(place.Field("to"),
                    absl::StrCat("to names feature '", name, "' of dimension ", target->dimension(), ", expected ",
                                 own->dimension(), " as feature '", feature.name(), "' has it"));
    }
  }

  // A scene that lists a feature lists what it refers to as well: without it nothing would be weighed, and every
  // combination missing.
  void CheckScene(const v1::Scene& scene, const Place& place) {
    const absl::flat_hash_set<std::string> listed(scene.features().begin(), scene.features().end());
    for (int i = 0; i < scene.features_size(); ++i) {
      const auto it = features_.find(scene.features(i));
      if (it == features_.end()) continue;
      const auto check = [&](const std::string& other, absl::string_view what) {
        if (listed.contains(other) || !features_.contains(other)) return;
        mistakes_.Add(place.Field("features", i),
                      absl::StrCat("scene '", scene.name(), "' has feature '", scene.features(i), "' without '", other,
                                   "', ", what, ", expected both"));
      };
      if (it->second->sequence().has_attention()) {
        check(it->second->sequence().attention().to(), "which its attention is to");
      }
      for (const v1::Encoding& encoding : it->second->encode()) {
        for (const std::string& other : encoding.crossed().with()) check(other, "which it is crossed with");
      }
    }
  }

 private:
  const v1::Feature* Find(const std::string& name, absl::string_view field, const Place& place) {
    const auto it = features_.find(name);
    if (it != features_.end()) return it->second;
    mistakes_.Add(place, absl::StrCat(field, " names feature '", name, "', which is not in the model file"));
    return nullptr;
  }

  absl::flat_hash_map<std::string, const v1::Feature*> features_;
  Mistakes& mistakes_;
};

}  // namespace

void CheckReferences(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  ReferenceChecker checker(file, mistakes);
  for (int f = 0; f < file.features_size(); ++f) {
    const v1::Feature& feature = file.features(f);
    const Place here = place.Field("features", f);
    for (int e = 0; e < feature.encode_size(); ++e) {
      if (!feature.encode(e).has_crossed()) continue;
      checker.CheckCrossed(feature, feature.encode(e).crossed(), here.Field("encode", e).Field("crossed"));
    }
    if (feature.sequence().has_attention()) {
      checker.CheckAttention(feature, here.Field("sequence").Field("attention"));
    }
  }
  for (int s = 0; s < file.scenes_size(); ++s) checker.CheckScene(file.scenes(s), place.Field("scenes", s));
}

}  // namespace polyscene
