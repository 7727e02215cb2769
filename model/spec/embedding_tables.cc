#include "model/spec/embedding_tables.h"

#include "absl/strings/str_cat.h"

namespace polyscene {

const v1::Embedding* FindEmbedding(const v1::Encoding& encoding) {
  switch (encoding.kind_case()) {
    case v1::Encoding::kHash:
      return encoding.hash().has_embedding() ? &encoding.hash().embedding() : nullptr;
    case v1::Encoding::kVocabulary:
      return encoding.vocabulary().has_embedding() ? &encoding.vocabulary().embedding() : nullptr;
    case v1::Encoding::kCrossed:
      return encoding.crossed().has_embedding() ? &encoding.crossed().embedding() : nullptr;
    case v1::Encoding::kBucketize:
      return encoding.bucketize().has_embedding() ? &encoding.bucketize().embedding() : nullptr;
    default:
      return nullptr;
  }
}

std::vector<EmbeddingUse> EmbeddingUses(const v1::ModelFile& file) {
  std::vector<EmbeddingUse> uses;
  for (int f = 0; f < file.features_size(); ++f) {
    const v1::Feature& feature = file.features(f);
    int count = 0;
    for (int e = 0; e < feature.encode_size(); ++e) {
      const v1::Embedding* embedding = FindEmbedding(feature.encode(e));
      if (embedding == nullptr) continue;
      ++count;
      std::string table = embedding->table();
      if (table.empty()) table = count == 1 ? feature.name() : absl::StrCat(feature.name(), "_", count);
      uses.push_back({f, e, embedding, std::move(table)});
    }
  }
  return uses;
}

}  // namespace polyscene
