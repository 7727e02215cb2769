#include "model/spec/defaults.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/spec/embedding_tables.h"

namespace polyscene {
namespace {

template <typename T>
T Or(T value, T fallback) {
  return value == T{} ? fallback : value;
}

void FillFeature(v1::Feature& feature) {
  if (feature.column().empty()) feature.set_column(feature.name());
  const bool vectors = std::any_of(feature.encode().begin(), feature.encode().end(),
                                   [](const v1::Encoding& encoding) { return encoding.has_vector(); });
  if (feature.has_sequence() && !vectors) {  // Vectors have one length, and are not pooled.
    v1::Sequence& sequence = *feature.mutable_sequence();
    sequence.set_pooling(Or(sequence.pooling(), v1::Sequence::MEAN));
    sequence.set_max_length(Or(sequence.max_length(), 50));
    if (sequence.has_attention() && sequence.attention().hidden().empty()) sequence.mutable_attention()->add_hidden(16);
  }
  if (feature.has_training_only()) {
    feature.mutable_training_only()->set_dropout(Or(feature.training_only().dropout(), 0.1));
  }
  for (v1::Encoding& encoding : *feature.mutable_encode()) {
    if (!encoding.has_numeric()) continue;
    encoding.mutable_numeric()->set_scaling(Or(encoding.numeric().scaling(), v1::Numeric::STANDARD));
  }
}

void FillTables(v1::ModelFile& file) {
  for (const EmbeddingUse& use : EmbeddingUses(file)) {
    v1::Encoding& encoding = *file.mutable_features(use.feature)->mutable_encode(use.encoding);
    const_cast<v1::Embedding*>(FindEmbedding(encoding))->set_table(use.table);  // `encoding` is ours to change.
  }
}

void FillRegression(v1::RegressionLoss& loss, v1::Transform& transform) {
  if (loss.kind_case() == v1::RegressionLoss::KIND_NOT_SET) loss.mutable_mse();
  if (loss.has_pinball()) loss.mutable_pinball()->set_quantile(Or(loss.pinball().quantile(), 0.5));
  if (loss.has_huber()) loss.mutable_huber()->set_delta(Or(loss.huber().delta(), 1.0));
  if (!transform.standardize()) transform.set_scale(Or(transform.scale(), 1.0));
}

void FillTask(v1::Task& task) {
  task.set_weight(Or(task.weight(), 1.0));
  task.set_attribution_window_seconds(Or(task.attribution_window_seconds(), kDefaultAttributionWindowSeconds));
  if (task.binary().has_focal()) {
    v1::Focal& focal = *task.mutable_binary()->mutable_focal();
    focal.set_gamma(Or(focal.gamma(), 2.0));
  }
  if (task.calibration().has_platt()) {
    v1::Platt& platt = *task.mutable_calibration()->mutable_platt();
    platt.set_half_life_rows(Or(platt.half_life_rows(), 20000.0));
  }
  if (task.has_regression()) {
    FillRegression(*task.mutable_regression()->mutable_loss(), *task.mutable_regression()->mutable_transform());
  }
  if (!task.has_forecast()) {
    if (task.column().empty()) task.set_column(task.name());
    return;
  }
  FillRegression(*task.mutable_forecast()->mutable_loss(), *task.mutable_forecast()->mutable_transform());
  if (!task.columns().empty()) return;
  for (int step = 1; step <= task.forecast().horizon(); ++step) task.add_columns(absl::StrCat(task.name(), "_", step));
}

void FillNetwork(v1::Network& network) {
  network.set_scene_adaptation(Or(network.scene_adaptation(), v1::NO_ADAPTATION));
  if (network.skip() == v1::Network::NO_SKIP)
    network.clear_skip();  // Said by nothing: fingerprints older than it hold.
  if (network.has_ple()) {
    v1::Ple& ple = *network.mutable_ple();
    ple.set_layers(Or(ple.layers(), 1));
    ple.set_shared_experts(Or(ple.shared_experts(), 2));
    ple.set_task_experts(Or(ple.task_experts(), 1));
  }
  if (network.interaction().has_cross()) {
    v1::Cross& cross = *network.mutable_interaction()->mutable_cross();
    cross.set_layers(Or(cross.layers(), 2));
  }
}

template <typename Options>  // Adam, AdamW or RowAdam.
void FillAdam(Options& adam) {
  adam.set_learning_rate(Or(adam.learning_rate(), 0.001));
  adam.set_beta1(Or(adam.beta1(), 0.9));
  adam.set_beta2(Or(adam.beta2(), 0.999));
  adam.set_epsilon(Or(adam.epsilon(), 1e-8));
}

void FillDenseOptimizer(v1::DenseOptimizer& dense) {
  switch (dense.kind_case()) {
    case v1::DenseOptimizer::kSgd:
      dense.mutable_sgd()->set_learning_rate(Or(dense.sgd().learning_rate(), 0.01));
      break;
    case v1::DenseOptimizer::kAdamW:
      FillAdam(*dense.mutable_adam_w());
      dense.mutable_adam_w()->set_weight_decay(Or(dense.adam_w().weight_decay(), 0.01));
      break;
    case v1::DenseOptimizer::kAdagrad:
      dense.mutable_adagrad()->set_learning_rate(Or(dense.adagrad().learning_rate(), 0.01));
      dense.mutable_adagrad()->set_epsilon(Or(dense.adagrad().epsilon(), 1e-10));
      break;
    case v1::DenseOptimizer::kAdam:
    case v1::DenseOptimizer::KIND_NOT_SET:
      FillAdam(*dense.mutable_adam());
      break;
  }
  dense.set_tower_factor(Or(dense.tower_factor(), 1.0));
  if (dense.schedule().has_inverse_square_root()) {
    v1::InverseSquareRoot& decay = *dense.mutable_schedule()->mutable_inverse_square_root();
    decay.set_steps(Or<int64_t>(decay.steps(), 1000));
  }
}

void FillRowOptimizer(v1::RowOptimizer& optimizer) {
  switch (optimizer.kind_case()) {
    case v1::RowOptimizer::kFtrl: {
      v1::RowFtrl& ftrl = *optimizer.mutable_ftrl();
      ftrl.set_alpha(Or(ftrl.alpha(), 0.05));
      ftrl.set_beta(Or(ftrl.beta(), 1.0));
      ftrl.set_initial_range(Or(ftrl.initial_range(), ftrl.l1() > 0 ? 1e-5 : 0.05));
      break;
    }
    case v1::RowOptimizer::kAdam:
      FillAdam(*optimizer.mutable_adam());
      optimizer.mutable_adam()->set_initial_range(Or(optimizer.adam().initial_range(), 0.05));
      break;
    case v1::RowOptimizer::kAdagrad:
    case v1::RowOptimizer::KIND_NOT_SET: {
      v1::RowAdagrad& adagrad = *optimizer.mutable_adagrad();
      adagrad.set_learning_rate(Or(adagrad.learning_rate(), 0.05));
      adagrad.set_epsilon(Or(adagrad.epsilon(), 1e-8));
      adagrad.set_initial_range(Or(adagrad.initial_range(), 0.05));
      break;
    }
  }
}

void FillRows(v1::ModelFile& file) {
  // Absent, the model's stays absent, so that a model without it is what it was.
  const auto fill = [](v1::RowPolicy& rows) { rows.set_admit_after(Or(rows.admit_after(), 1)); };
  if (file.has_rows()) fill(*file.mutable_rows());
  for (v1::Table& table : *file.mutable_tables()) {
    if (table.has_rows()) fill(*table.mutable_rows());
  }
}

void FillOptimizers(v1::ModelFile& file) {
  FillDenseOptimizer(*file.mutable_dense_optimizer());
  FillRowOptimizer(*file.mutable_row_optimizer());
  for (v1::Table& table : *file.mutable_tables()) {
    if (table.has_optimizer()) FillRowOptimizer(*table.mutable_optimizer());
  }
}

void FillLossBalance(v1::LossBalance& balance) {
  switch (balance.kind_case()) {
    case v1::LossBalance::kUncertainty: {
      v1::UncertaintyWeights& uncertainty = *balance.mutable_uncertainty();
      uncertainty.set_learning_rate(Or(uncertainty.learning_rate(), 0.001));
      break;
    }
    case v1::LossBalance::kGradNorm: {
      v1::GradNorm& grad_norm = *balance.mutable_grad_norm();
      grad_norm.set_alpha(Or(grad_norm.alpha(), 1.5));
      grad_norm.set_learning_rate(Or(grad_norm.learning_rate(), 0.025));
      grad_norm.set_every_steps(Or(grad_norm.every_steps(), 50));
      break;
    }
    case v1::LossBalance::kDynamicWeightAverage: {
      v1::DynamicWeightAverage& average = *balance.mutable_dynamic_weight_average();
      average.set_temperature(Or(average.temperature(), 2.0));
      average.set_span_steps(Or(average.span_steps(), 200));
      break;
    }
    case v1::LossBalance::kFixed:
    case v1::LossBalance::KIND_NOT_SET:
      balance.mutable_fixed();
      break;
  }
  balance.set_measure_every_steps(Or(balance.measure_every_steps(), 200));
}

}  // namespace

void FillDefaults(v1::ModelFile& file) {
  file.set_seed(Or<uint64_t>(file.seed(), 1));
  for (v1::Feature& feature : *file.mutable_features()) FillFeature(feature);
  FillTables(file);
  for (v1::Task& task : *file.mutable_tasks()) FillTask(task);
  for (v1::Scene& scene : *file.mutable_scenes()) {
    if (scene.features().empty()) {
      for (const v1::Feature& feature : file.features()) scene.add_features(feature.name());
    }
    if (!scene.has_rank_by()) continue;
    for (v1::RankBy::Factor& factor : *scene.mutable_rank_by()->mutable_factors())
      factor.set_power(Or(factor.power(), 1.0));
  }
  FillNetwork(*file.mutable_network());
  FillOptimizers(file);
  FillRows(file);
  FillLossBalance(*file.mutable_loss_balance());
  v1::LearningPolicy& learning = *file.mutable_learning();
  learning.set_step_rows(Or(learning.step_rows(), 256));
  learning.set_step_wait_seconds(Or(learning.step_wait_seconds(), 0.1));
  learning.set_publish_interval_seconds(Or(learning.publish_interval_seconds(), 1.0));
  learning.set_checkpoint_interval_seconds(Or(learning.checkpoint_interval_seconds(), 60.0));
  learning.set_evaluation_window_rows(Or(learning.evaluation_window_rows(), 20000));
  if (!learning.drift().has_none()) {
    v1::PageHinkley& test = *learning.mutable_drift()->mutable_page_hinkley();
    test.set_tolerance(Or(test.tolerance(), 0.05));
    test.set_threshold(Or(test.threshold(), 200.0));
    test.set_minimum_rows(Or(test.minimum_rows(), 5000));
  }
  v1::Serving& serving = *file.mutable_serving();
  serving.set_latency_target_seconds(Or(serving.latency_target_seconds(), 0.01));
  if (file.files().scene_column().empty()) file.mutable_files()->set_scene_column("scene");
}

}  // namespace polyscene
