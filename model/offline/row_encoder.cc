#include "model/offline/row_encoder.h"

#include <utility>

namespace polyscene {

RowEncoder::RowEncoder(std::shared_ptr<const ModelSpec> spec, HashKey key, uint64_t first_row)
    : spec_(std::move(spec)), encoder_(spec_, key), next_row_(first_row) {}

std::vector<ExampleSlice> RowEncoder::Slices(const ExampleChunk& chunk) {
  view_ = chunk.table.View();
  std::vector<ExampleSlice> slices;
  for (const auto& [begin, end] : chunk.ranges) slices.push_back({&view_, begin, end, ""});
  return slices;
}

void RowEncoder::EncodeScored(const FeatureStatistics& statistics, const ExampleChunk& chunk, EncodedExamples& into) {
  Encode(statistics, chunk, /*learned=*/false, into);
}

void RowEncoder::EncodeLearned(const FeatureStatistics& statistics, const ExampleChunk& chunk, EncodedExamples& into) {
  Encode(statistics, chunk, /*learned=*/true, into);
}

void RowEncoder::Encode(const FeatureStatistics& statistics, const ExampleChunk& chunk, bool learned,
                        EncodedExamples& into) {
  const std::vector<ExampleSlice> slices = Slices(chunk);
  const int scene = spec_->FindScene(view_.scene);
  into.inputs.Clear();
  into.event_times_micros.clear();
  for (const ExampleSlice& slice : slices) {
    if (learned) {
      encoder_.AppendLearnedRows(statistics, scene, view_.features, slice.begin, slice.end, next_row_, into.inputs);
      next_row_ += static_cast<uint64_t>(slice.end - slice.begin);
    } else {
      encoder_.AppendRows(statistics, scene, view_.features, slice.begin, slice.end, into.inputs);
    }
    for (int64_t row = slice.begin; row < slice.end; ++row) {
      into.event_times_micros.push_back(view_.event_times_micros.empty() ? 0 : view_.event_times_micros[row]);
    }
  }
  CollectLabels(*spec_, slices, into.labels);
}

void RowEncoder::Observe(const ExampleChunk& chunk, FeatureStatistics& statistics) {
  for (const ExampleSlice& slice : Slices(chunk)) {
    encoder_.Observe(spec_->FindScene(view_.scene), view_.features, slice.begin, slice.end, statistics);
  }
}

void RowEncoder::Labels(const ExampleChunk& chunk, std::vector<TaskLabels>& labels) {
  CollectLabels(*spec_, Slices(chunk), labels);
}

}  // namespace polyscene
