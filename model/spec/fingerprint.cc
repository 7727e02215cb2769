#include "model/spec/fingerprint.h"

#include <algorithm>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace polyscene {
namespace {

// Drops the column and, where it does not widen the input, whether a value is required.
void KeepMeaning(v1::Feature& feature) {
  feature.clear_column();
  const bool widens = std::any_of(feature.encode().begin(), feature.encode().end(),
                                  [](const v1::Encoding& encoding) { return encoding.has_numeric(); });
  if (!widens) feature.clear_required();
}

// Drops weight, columns, windows, and how errors count: the head fits the same thing under any loss.
void KeepMeaning(v1::Task& task) {
  task.clear_weight();
  task.clear_column();
  task.clear_columns();
  task.clear_missing_outside();
  task.clear_attribution_window_seconds();
  task.clear_assume_negative_after_seconds();
  if (task.has_regression()) task.mutable_regression()->clear_loss();
  if (task.has_forecast()) task.mutable_forecast()->clear_loss();
}

// The kinds decide what optimizer state there is; of the rest only how rows begin is kept: like the seed, it says what
// a row that is not there yet is.
void KeepMeaning(v1::DenseOptimizer& dense, v1::RowOptimizer& row) {
  if (dense.has_adam()) dense.mutable_adam()->Clear();
  if (dense.has_sgd()) dense.mutable_sgd()->Clear();
  const double range = row.adagrad().initial_range();
  row.mutable_adagrad()->Clear();
  row.mutable_adagrad()->set_initial_range(range);
}

uint64_t Fnv1a(const std::string& bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace

uint64_t Fingerprint(const v1::ModelFile& file) {
  v1::ModelFile kept = file;
  kept.clear_name();
  kept.clear_learning();
  kept.clear_files();
  for (v1::Feature& feature : *kept.mutable_features()) KeepMeaning(feature);
  for (v1::Scene& scene : *kept.mutable_scenes()) scene.clear_rank_by();
  for (v1::Task& task : *kept.mutable_tasks()) KeepMeaning(task);
  KeepMeaning(*kept.mutable_dense_optimizer(), *kept.mutable_row_optimizer());

  std::string bytes;
  {
    google::protobuf::io::StringOutputStream output(&bytes);
    google::protobuf::io::CodedOutputStream coded(&output);
    coded.SetSerializationDeterministic(true);
    kept.SerializeToCodedStream(&coded);
  }
  return Fnv1a(bytes);
}

}  // namespace polyscene
