// Features and their encodings.
#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"
#include "model/spec/embedding_tables.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

constexpr int kMaxDimension = 512;
constexpr int kMaxOneHotValues = 1000;
constexpr int kMaxSequenceLength = 10000;
constexpr int kMaxVectorLength = 4096;
constexpr int kMaxWidth = 1024;  // Of an attention's small network.

absl::string_view EncodingName(v1::Encoding::KindCase kind) {
  switch (kind) {
    case v1::Encoding::kHash:
      return "hash";
    case v1::Encoding::kVocabulary:
      return "vocabulary";
    case v1::Encoding::kOneHot:
      return "one_hot";
    case v1::Encoding::kBucketize:
      return "bucketize";
    case v1::Encoding::kNumeric:
      return "numeric";
    case v1::Encoding::kCrossed:
      return "crossed";
    case v1::Encoding::kVector:
      return "vector";
    case v1::Encoding::KIND_NOT_SET:
      break;
  }
  return "";
}

class FeatureChecker {
 public:
  FeatureChecker(const v1::Feature& feature, const Place& place, Mistakes& mistakes)
      : feature_(feature), place_(place), mistakes_(mistakes), type_(v1::ValueType_Name(feature.type())) {}

  void Check() {
    CheckName(place_, "name", feature_.name(), "feature", mistakes_);
    if (feature_.side() == v1::SIDE_UNSPECIFIED) {
      mistakes_.Add(place_.Field("side"), absl::StrCat(Self(), " has no side, expected CONTEXT or CANDIDATE"));
    }
    if (!typed()) {
      mistakes_.Add(place_.Field("type"), absl::StrCat(Self(), " has no type, expected INT64, FLOAT or STRING"));
    }
    if (feature_.personal() && is(v1::FLOAT)) {
      mistakes_.Add(place_.Field("personal"), absl::StrCat(Self(), " is personal and FLOAT, expected INT64 or STRING"));
    }
    if (feature_.has_sequence()) CheckSequence(place_.Field("sequence"));
    if (feature_.has_training_only()) CheckTrainingOnly(place_.Field("training_only"));
    if (feature_.encode_size() == 0) {
      mistakes_.Add(place_.Field("encode"), absl::StrCat(Self(), " has no encode, expected at least one encoding"));
    }
    for (int i = 0; i < feature_.encode_size(); ++i) CheckEncoding(feature_.encode(i), place_.Field("encode", i));
  }

 private:
  bool typed() const { return feature_.type() != v1::VALUE_TYPE_UNSPECIFIED; }
  bool vectors() const {
    return std::any_of(feature_.encode().begin(), feature_.encode().end(),
                       [](const v1::Encoding& encoding) { return encoding.has_vector(); });
  }
  bool is(v1::ValueType type) const { return feature_.type() == type; }
  std::string Self() const { return absl::StrCat("feature '", feature_.name(), "'"); }

  void CheckSequence(const Place& place) {
    const v1::Sequence& sequence = feature_.sequence();
    if (is(v1::FLOAT) && !vectors()) {
      mistakes_.Add(place, absl::StrCat(Self(), " is a sequence of FLOAT, expected INT64 or STRING, or a vector to ",
                                        "encode it"));
    }
    if (sequence.max_length() != 0) {
      CheckInteger(place, "max_length", sequence.max_length(), 1, kMaxSequenceLength, mistakes_);
    }
    if (vectors() && (sequence.max_length() != 0 || sequence.pooling() != v1::Sequence::POOLING_UNSPECIFIED)) {
      mistakes_.Add(place, absl::StrCat("max_length or pooling on ", Self(),
                                        ", expected neither: its vectors have one length and are not pooled"));
    }
    if ((sequence.pooling() == v1::Sequence::ATTENTION) != sequence.has_attention()) {
      mistakes_.Add(sequence.has_attention() ? place.Field("attention") : place.Field("pooling"),
                    absl::StrCat(sequence.has_attention() ? "attention without pooling: ATTENTION"
                                                          : "pooling is ATTENTION without attention",
                                 " on ", Self(), ", expected both or neither"));
    }
    for (int i = 0; i < sequence.attention().hidden_size(); ++i) {
      const int width = sequence.attention().hidden(i);
      if (width >= 1 && width <= kMaxWidth) continue;
      mistakes_.Add(place.Field("attention").Field("hidden", i),
                    absl::StrCat("hidden has width ", width, ", expected 1 to ", kMaxWidth));
    }
  }

  void CheckTrainingOnly(const Place& place) {
    const v1::TrainingOnly& only = feature_.training_only();
    if (feature_.required()) {
      mistakes_.Add(place, absl::StrCat("training_only on required ", Self(),
                                        ", expected it not required: requests that are scored do not have it"));
    }
    if (!std::isfinite(only.dropout()) || only.dropout() >= 1) {
      mistakes_.Add(place.Field("dropout"), absl::StrCat("dropout is ", only.dropout(), ", expected below 1"));
    }
    if (only.exposed_position() &&
        (!is(v1::INT64) || feature_.side() == v1::CONTEXT || feature_.has_sequence() || feature_.personal())) {
      mistakes_.Add(place.Field("exposed_position"),
                    absl::StrCat("exposed_position on ", Self(),
                                 ", expected it on a single INT64 value of the CANDIDATE side that is not personal"));
    }
  }

  void CheckEncoding(const v1::Encoding& encoding, const Place& place) {
    const absl::string_view kind = EncodingName(encoding.kind_case());
    if (kind.empty()) {
      if (AnyBad(place, {"hash", "vocabulary", "one_hot", "bucketize", "numeric", "crossed", "vector"})) return;
      mistakes_.Add(
          place,
          "the encoding is empty, expected one of hash, vocabulary, one_hot, bucketize, numeric, crossed, vector");
      return;
    }
    const Place inside = place.Field(kind);
    CheckKindFits(encoding.kind_case(), kind, inside);
    switch (encoding.kind_case()) {
      case v1::Encoding::kHash:
        return CheckEmbedding(encoding.hash().embedding(), encoding.hash().has_embedding(), inside);
      case v1::Encoding::kVocabulary:
        CheckValues(encoding.vocabulary().values(), inside, 0);
        return CheckEmbedding(encoding.vocabulary().embedding(), encoding.vocabulary().has_embedding(), inside);
      case v1::Encoding::kOneHot:
        return CheckValues(encoding.one_hot().values(), inside, kMaxOneHotValues);
      case v1::Encoding::kBucketize:
        CheckBoundaries(encoding.bucketize(), inside);
        return CheckEmbedding(encoding.bucketize().embedding(), encoding.bucketize().has_embedding(), inside);
      case v1::Encoding::kCrossed:
        return CheckEmbedding(encoding.crossed().embedding(), encoding.crossed().has_embedding(), inside);
      case v1::Encoding::kVector:
        CheckInteger(inside, "length", encoding.vector().length(), 1, kMaxVectorLength, mistakes_);
        if (feature_.encode_size() > 1) {
          mistakes_.Add(inside, absl::StrCat("vector beside other encodings of ", Self(), ", expected it alone"));
        }
        return;
      default:
        return;  // Numeric has nothing that could be wrong by itself.
    }
  }

  void CheckKindFits(v1::Encoding::KindCase kind, absl::string_view name, const Place& place) {
    if (kind == v1::Encoding::kVector) {
      if ((typed() && !is(v1::FLOAT)) || !feature_.has_sequence()) {
        mistakes_.Add(place, absl::StrCat("vector on ", Self(), ", expected it on a sequence of type FLOAT"));
      }
      return;
    }
    const bool of_numbers = kind == v1::Encoding::kBucketize || kind == v1::Encoding::kNumeric;
    if (typed() && (of_numbers ? is(v1::STRING) : is(v1::FLOAT))) {
      mistakes_.Add(place, absl::StrCat(name, " on ", Self(), " of type ", type_, ", expected ",
                                        of_numbers ? "INT64 or FLOAT" : "INT64 or STRING"));
    }
    if (feature_.personal() && kind != v1::Encoding::kHash && kind != v1::Encoding::kCrossed) {
      mistakes_.Add(place, absl::StrCat(name, " on personal ", Self(),
                                        ", expected hash or crossed: only its keyed hash is kept"));
    } else if (feature_.has_sequence() && kind != v1::Encoding::kHash && kind != v1::Encoding::kVocabulary) {
      mistakes_.Add(place, absl::StrCat(name, " on sequence ", Self(), ", expected hash or vocabulary"));
    }
  }

  void CheckEmbedding(const v1::Embedding& embedding, bool given, const Place& place) {
    const Place inside = place.Field("embedding");
    if (!given) {
      mistakes_.Add(inside, absl::StrCat("no embedding, expected embedding { dimension: 1 to ", kMaxDimension, " }"));
      return;
    }
    CheckInteger(inside, "dimension", embedding.dimension(), 1, kMaxDimension, mistakes_);
    if (!embedding.table().empty()) CheckName(inside, "table", embedding.table(), "embedding", mistakes_);
  }

  // max 0: any number of them.
  void CheckValues(const google::protobuf::RepeatedPtrField<std::string>& values, const Place& place, int max) {
    if (values.empty() || (max > 0 && values.size() > max)) {
      mistakes_.Add(place.Field("values"), absl::StrCat("values lists ", values.size(), ", expected ",
                                                        max > 0 ? absl::StrCat("1 to ", max) : "at least one"));
    }
    absl::flat_hash_map<std::string, int> seen;
    for (int i = 0; i < values.size(); ++i) {
      std::string key = values[i];
      if (is(v1::INT64)) {
        int64_t number = 0;
        if (!absl::SimpleAtoi(key, &number)) {
          mistakes_.Add(place.Field("values", i),
                        absl::StrCat("value '", key, "' of INT64 ", Self(), ", expected an integer"));
          continue;
        }
        key = absl::StrCat(number);  // "07" and "7" are one value.
      }
      const auto [earlier, is_new] = seen.emplace(key, i);
      if (!is_new) {
        mistakes_.Add(place.Field("values", i),
                      absl::StrCat("value '", values[i], "' is listed again, expected each once (it is number ",
                                   earlier->second + 1, " already)"));
      }
    }
  }

  void CheckBoundaries(const v1::Bucketize& bucketize, const Place& place) {
    if (bucketize.boundaries().empty())
      mistakes_.Add(place.Field("boundaries"), "no boundaries, expected at least one");
    for (int i = 0; i < bucketize.boundaries_size(); ++i) {
      const double boundary = bucketize.boundaries(i);
      if (!std::isfinite(boundary)) {
        mistakes_.Add(place.Field("boundaries", i), absl::StrCat("boundary ", boundary, ", expected a finite number"));
      } else if (i > 0 && boundary <= bucketize.boundaries(i - 1)) {
        mistakes_.Add(place.Field("boundaries", i),
                      absl::StrCat("boundary ", boundary, " after ", bucketize.boundaries(i - 1),
                                   ", expected them strictly ascending"));
      }
    }
  }

  const v1::Feature& feature_;
  const Place& place_;
  Mistakes& mistakes_;
  const std::string type_;
};

// Embeddings that share a table must agree on what a row is.
void CheckTables(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  struct First {
    int dimension;
    v1::Encoding::KindCase kind;
    std::string feature;
    bool by_default;
  };
  absl::flat_hash_map<std::string, First> tables;
  for (const EmbeddingUse& use : EmbeddingUses(file)) {
    const v1::Feature& feature = file.features(use.feature);
    const v1::Encoding& encoding = feature.encode(use.encoding);
    const bool by_default = use.embedding->table().empty();
    const Place inside = place.Field("features", use.feature)
                             .Field("encode", use.encoding)
                             .Field(EncodingName(encoding.kind_case()))
                             .Field("embedding");
    const auto [entry, is_new] = tables.try_emplace(
        use.table, First{use.embedding->dimension(), encoding.kind_case(), feature.name(), by_default});
    if (is_new) continue;
    const First& first = entry->second;
    if (first.dimension != use.embedding->dimension()) {
      mistakes.Add(inside.Field("dimension"),
                   absl::StrCat("dimension is ", use.embedding->dimension(), " in table '", use.table, "', expected ",
                                first.dimension, " as feature '", first.feature, "' has it"));
    }
    if (first.kind != encoding.kind_case()) {
      mistakes.Add(inside.Field("table"), absl::StrCat(EncodingName(encoding.kind_case()), " in table '", use.table,
                                                       "', expected ", EncodingName(first.kind), " as feature '",
                                                       first.feature, "' has it: their ids mean different things"));
    } else if (first.by_default && by_default && first.feature != feature.name()) {
      mistakes.Add(inside.Field("table"),
                   absl::StrCat("the default table '", use.table, "' is feature '", first.feature,
                                "''s already, expected a table: \"...\" of its own here"));
    }
  }
}

}  // namespace

void CheckFeatures(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  absl::flat_hash_set<std::string> names;
  absl::flat_hash_set<std::string> used;
  bool all_used = file.scenes().empty();  // Without scenes that is the one mistake.
  for (const v1::Scene& scene : file.scenes()) {
    used.insert(scene.features().begin(), scene.features().end());
    all_used = all_used || scene.features().empty();
  }
  for (int i = 0; i < file.features_size(); ++i) {
    const v1::Feature& feature = file.features(i);
    const Place here = place.Field("features", i);
    FeatureChecker(feature, here, mistakes).Check();
    if (!IsName(feature.name())) continue;  // One mistake is enough.
    if (!names.insert(feature.name()).second) {
      mistakes.Add(here.Field("name"),
                   absl::StrCat("feature '", feature.name(), "' is there already, expected unique names"));
    } else if (!all_used && !used.contains(feature.name())) {
      mistakes.Add(here.Field("name"), absl::StrCat("feature '", feature.name(),
                                                    "' is in no scene, expected it in the features of at least one"));
    }
  }
  CheckTables(file, place, mistakes);
}

}  // namespace polyscene
