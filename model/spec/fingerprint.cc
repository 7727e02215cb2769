#include "model/spec/fingerprint.h"

#include <algorithm>
#include <map>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace polyscene {
namespace {

// Drops the column, when it is known and, where it does not widen the input, whether a value is required.
void KeepMeaning(v1::Feature& feature) {
  feature.clear_column();
  const bool widens = std::any_of(feature.encode().begin(), feature.encode().end(), [](const v1::Encoding& encoding) {
    return encoding.has_numeric() || encoding.has_vector();
  });
  if (!widens) feature.clear_required();
  feature.clear_training_only();
}

// How errors count means nothing, but for Poisson's loss, under which the logit is a logarithm, and for that of a
// quantile, which evaluations sum.
template <typename Kind>  // Regression or Forecast.
void ClearLoss(Kind& kind) {
  const bool poisson = kind.loss().has_poisson();
  const double quantile = kind.loss().pinball().quantile();
  kind.clear_loss();
  if (quantile > 0) kind.mutable_loss()->mutable_pinball()->set_quantile(quantile);
  if (poisson) kind.mutable_loss()->mutable_poisson();
}

// Drops weight, columns, windows, losses and whether there is any.
void KeepMeaning(v1::Task& task) {
  task.clear_weight();
  task.clear_column();
  task.clear_columns();
  task.clear_missing_outside();
  task.clear_attribution_window_seconds();
  task.clear_assume_negative_after_seconds();
  task.clear_defined_when();
  task.clear_evaluate_only();
  if (task.calibration().has_platt()) task.mutable_calibration()->mutable_platt()->clear_half_life_rows();
  if (task.has_binary()) task.mutable_binary()->clear_focal();
  if (task.has_regression()) ClearLoss(*task.mutable_regression());
  if (task.has_forecast()) ClearLoss(*task.mutable_forecast());
}

// The kinds decide what optimizer state there is; of the rest only how rows begin is kept: like the seed, it says what
// a row that is not there yet is.
void KeepMeaning(v1::RowOptimizer& row) {
  v1::RowOptimizer kept;
  switch (row.kind_case()) {
    case v1::RowOptimizer::kFtrl:
      kept.mutable_ftrl()->set_initial_range(row.ftrl().initial_range());
      break;
    case v1::RowOptimizer::kAdam:
      kept.mutable_adam()->set_initial_range(row.adam().initial_range());
      break;
    case v1::RowOptimizer::kAdagrad:
    case v1::RowOptimizer::KIND_NOT_SET:
      kept.mutable_adagrad()->set_initial_range(row.adagrad().initial_range());
      break;
  }
  row = kept;
}

void KeepMeaning(v1::DenseOptimizer& dense) {
  v1::DenseOptimizer kept;
  switch (dense.kind_case()) {
    case v1::DenseOptimizer::kSgd:
      kept.mutable_sgd();
      if (dense.sgd().momentum() > 0) kept.mutable_sgd()->set_momentum(1);
      break;
    case v1::DenseOptimizer::kAdagrad:
      kept.mutable_adagrad();
      break;
    case v1::DenseOptimizer::kAdam:
    case v1::DenseOptimizer::kAdamW:  // Its state is Adam's.
    case v1::DenseOptimizer::KIND_NOT_SET:
      kept.mutable_adam();
      break;
  }
  dense = kept;
}

// Whether rows expire and whether they have a bound, which decides what is kept of them and which are kept together;
// not after how long, how large, or when ids get theirs.
v1::RowPolicy Kept(const v1::RowPolicy& rows) {
  v1::RowPolicy kept;
  if (rows.expire_after_rows() > 0) kept.set_expire_after_rows(1);
  if (rows.max_bytes() > 0) kept.set_max_bytes(1);
  return kept;
}

bool LetsGo(const v1::RowPolicy& rows) { return rows.expire_after_rows() > 0 || rows.max_bytes() > 0; }

// Which tables have rows apart from the others', that is an optimizer of their own or rows that are let go otherwise;
// in whatever order they are named.
void KeepOwnTables(v1::ModelFile& file) {
  const v1::RowPolicy all = Kept(file.rows());
  file.clear_rows();
  if (LetsGo(all)) *file.mutable_rows() = all;
  std::map<std::string, v1::Table> kept;
  for (const v1::Table& table : file.tables()) {
    const v1::RowPolicy rows = table.has_rows() ? Kept(table.rows()) : all;
    const bool differs = rows.expire_after_rows() != all.expire_after_rows() || rows.max_bytes() != all.max_bytes();
    if (!table.has_optimizer() && !differs) continue;
    v1::Table& own = kept[table.name()];
    own.set_name(table.name());
    if (differs) *own.mutable_rows() = rows;
    if (!table.has_optimizer()) continue;
    *own.mutable_optimizer() = table.optimizer();
    KeepMeaning(*own.mutable_optimizer());
  }
  file.clear_tables();
  for (const auto& [name, table] : kept) *file.add_tables() = table;
}

// The kind decides what is remembered of each task. Fixed weights remember nothing, so they are as if not there.
void KeepMeaning(v1::ModelFile& file) {
  const v1::LossBalance balance = file.loss_balance();
  file.clear_loss_balance();
  switch (balance.kind_case()) {
    case v1::LossBalance::kUncertainty:
      file.mutable_loss_balance()->mutable_uncertainty();
      break;
    case v1::LossBalance::kGradNorm:
      file.mutable_loss_balance()->mutable_grad_norm();
      break;
    case v1::LossBalance::kDynamicWeightAverage:
      file.mutable_loss_balance()->mutable_dynamic_weight_average();
      break;
    case v1::LossBalance::kFixed:
    case v1::LossBalance::KIND_NOT_SET:
      break;
  }
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
  kept.clear_serving();
  kept.clear_files();
  for (v1::Feature& feature : *kept.mutable_features()) KeepMeaning(feature);
  for (v1::Scene& scene : *kept.mutable_scenes()) scene.clear_rank_by();
  for (v1::Task& task : *kept.mutable_tasks()) KeepMeaning(task);
  KeepMeaning(*kept.mutable_dense_optimizer());
  KeepMeaning(*kept.mutable_row_optimizer());
  KeepOwnTables(kept);
  KeepMeaning(kept);

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
