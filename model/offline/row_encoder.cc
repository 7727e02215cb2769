#include "model/offline/row_encoder.h"

#include <utility>

namespace polyscene {

RowEncoder::RowEncoder(std::shared_ptr<const ModelSpec> spec, HashKey key)
    : spec_(std::move(spec)), encoder_(spec_, key) {}

std::vector<ExampleSlice> RowEncoder::Slices(const ExampleChunk& chunk) {
  view_ = chunk.table.View();
  std::vector<ExampleSlice> slices;
  for (const auto& [begin, end] : chunk.ranges) slices.push_back({&view_, begin, end, ""});
  return slices;
}

void RowEncoder::Encode(const FeatureStatistics& statistics, const ExampleChunk& chunk, EncodedExamples& into) {
  const std::vector<ExampleSlice> slices = Slices(chunk);
  const int scene = spec_->FindScene(view_.scene);
  into.inputs.Clear();
  into.event_times_micros.clear();
  for (const ExampleSlice& slice : slices) {
    encoder_.AppendRows(statistics, scene, view_.features, slice.begin, slice.end, into.inputs);
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
