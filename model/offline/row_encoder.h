// From checked rows of a file to what training takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/data/example_slice.h"
#include "model/feature/encoded_examples.h"
#include "model/feature/encoder.h"
#include "model/offline/example_files.h"

namespace polyscene {

// Not thread-safe.
class RowEncoder {
 public:
  // first_row: the number of the first row to be learned.
  RowEncoder(std::shared_ptr<const ModelSpec> spec, HashKey key, uint64_t first_row = 0);

  // Replaces `into` by the chunk's rows, numeric features scaled by `statistics`: to be scored, or to be learned, which
  // numbers rows as they come (see FeatureEncoder).
  void EncodeScored(const FeatureStatistics& statistics, const ExampleChunk& chunk, EncodedExamples& into);
  void EncodeLearned(const FeatureStatistics& statistics, const ExampleChunk& chunk, EncodedExamples& into);

  // Adds the chunk's rows to `statistics`.
  void Observe(const ExampleChunk& chunk, FeatureStatistics& statistics);

  // Replaces `labels` by the chunk's.
  void Labels(const ExampleChunk& chunk, std::vector<TaskLabels>& labels);

 private:
  std::vector<ExampleSlice> Slices(const ExampleChunk& chunk);
  void Encode(const FeatureStatistics& statistics, const ExampleChunk& chunk, bool learned, EncodedExamples& into);

  const std::shared_ptr<const ModelSpec> spec_;
  const FeatureEncoder encoder_;
  ExamplesView view_;  // Of the chunk at hand.
  uint64_t next_row_;  // To be learned.
};

}  // namespace polyscene
