// Resolves a checked model file: names become indexes, encodings get their places in the network's input.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Takes only a file that has passed CheckModelFile(). Slots, dense inputs and statistics are numbered in the file's
// order, tables in the order of their first use.
class ModelSpecBuilder {
 public:
  ModelSpecBuilder(v1::ModelFile file, std::string text);

  std::shared_ptr<const ModelSpec> Build();  // Once.

 private:
  void AddFeature(const v1::Feature& feature);
  void ResolveReferences(const v1::Feature& feature, FeatureSpec& resolved);
  EncodingSpec MakeEncoding(const v1::Encoding& encoding, const FeatureSpec& feature);
  void AddSlot(const v1::Embedding& embedding, const FeatureSpec& feature, EncodingSpec& encoding);
  void AddTable(const v1::Embedding& embedding);
  void AddTask(const v1::Task& task);
  void Relate(const v1::Task& task, TaskSpec& resolved) const;  // To other tasks, once all are there.
  void AddScene(const v1::Scene& scene);

  std::shared_ptr<ModelSpec> spec_;
  absl::flat_hash_map<std::string, int> table_index_;
};

}  // namespace polyscene
