#include "model/spec/model_spec_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "model/spec/defaults.h"
#include "model/spec/fingerprint.h"

namespace polyscene {
namespace {

ValueType TypeOf(v1::ValueType type) {
  return type == v1::FLOAT ? ValueType::kFloat : type == v1::STRING ? ValueType::kString : ValueType::kInt64;
}

void SetValues(const google::protobuf::RepeatedPtrField<std::string>& values, ValueType type, EncodingSpec& encoding) {
  if (type == ValueType::kString) {
    encoding.values.assign(values.begin(), values.end());
    return;
  }
  for (const std::string& value : values) {
    int64_t number = 0;
    (void)absl::SimpleAtoi(value, &number);  // The checks let integers through only.
    encoding.int_values.push_back(number);
  }
}

void SetRegression(const v1::RegressionLoss& loss, const v1::Transform& transform, TaskSpec& task) {
  task.huber = loss.has_huber();
  if (task.huber) task.huber_delta = loss.huber().delta();
  task.poisson = loss.has_poisson();
  if (loss.has_pinball()) task.quantile = loss.pinball().quantile();
  task.log1p = transform.log1p();
  task.standardize = transform.standardize();
  task.center = transform.center();
  if (!task.standardize) task.scale = transform.scale();
}

}  // namespace

ModelSpecBuilder::ModelSpecBuilder(v1::ModelFile file, std::string text) : spec_(new ModelSpec()) {
  FillDefaults(file);
  spec_->file_ = std::move(file);
  spec_->text_ = std::move(text);
  spec_->fingerprint_ = Fingerprint(spec_->file_);
}

std::shared_ptr<const ModelSpec> ModelSpecBuilder::Build() {
  for (const v1::Feature& feature : spec_->file_.features()) AddFeature(feature);
  for (int f = 0; f < spec_->file_.features_size(); ++f)
    ResolveReferences(spec_->file_.features(f), spec_->features_[f]);
  for (const v1::Task& task : spec_->file_.tasks()) AddTask(task);
  for (size_t t = 0; t < spec_->tasks_.size(); ++t) Relate(spec_->file_.tasks(static_cast<int>(t)), spec_->tasks_[t]);
  for (const v1::Scene& scene : spec_->file_.scenes()) AddScene(scene);
  return std::move(spec_);
}

void ModelSpecBuilder::AddFeature(const v1::Feature& feature) {
  FeatureSpec resolved;
  resolved.name = feature.name();
  resolved.column = feature.column();
  resolved.candidate = feature.side() == v1::CANDIDATE;
  resolved.type = TypeOf(feature.type());
  resolved.required = feature.required();
  resolved.personal = feature.personal();
  resolved.sequence = feature.has_sequence();
  if (resolved.sequence) {
    resolved.mean_pooling = feature.sequence().pooling() == v1::Sequence::MEAN;
    resolved.max_length = feature.sequence().max_length();
  }
  if (feature.has_training_only()) {
    resolved.training_only = true;
    resolved.dropout = std::max(feature.training_only().dropout(), 0.0);
    resolved.exposed_position = feature.training_only().exposed_position();
  }
  for (const v1::Encoding& encoding : feature.encode()) {
    if (encoding.has_vector()) resolved.vector_length = resolved.max_length = encoding.vector().length();
  }
  for (const v1::Encoding& encoding : feature.encode()) resolved.encodings.push_back(MakeEncoding(encoding, resolved));
  spec_->feature_index_.emplace(resolved.name, static_cast<int>(spec_->features_.size()));
  spec_->features_.push_back(std::move(resolved));
}

// What may name features that come later.
void ModelSpecBuilder::ResolveReferences(const v1::Feature& feature, FeatureSpec& resolved) {
  for (size_t e = 0; e < resolved.encodings.size(); ++e) {
    EncodingSpec& encoding = resolved.encodings[e];
    for (const std::string& name : feature.encode(static_cast<int>(e)).crossed().with()) {
      encoding.with.push_back(spec_->FindFeature(name));
    }
    if (encoding.slot < 0 || !feature.sequence().has_attention()) continue;
    const int to = spec_->FindFeature(feature.sequence().attention().to());
    spec_->slots_[encoding.slot].attends_to = spec_->features_[to].encodings[0].slot;
  }
}

EncodingSpec ModelSpecBuilder::MakeEncoding(const v1::Encoding& encoding, const FeatureSpec& feature) {
  EncodingSpec resolved;
  resolved.feature = static_cast<int>(spec_->features_.size());
  const auto take_dense = [&](int width) {
    resolved.dense_offset = spec_->dense_width_;
    resolved.dense_width = width;
    spec_->dense_width_ += width;
  };
  switch (encoding.kind_case()) {
    case v1::Encoding::kHash:
      resolved.kind = EncodingSpec::Kind::kHash;
      AddSlot(encoding.hash().embedding(), feature, resolved);
      break;
    case v1::Encoding::kVocabulary:
      resolved.kind = EncodingSpec::Kind::kVocabulary;
      SetValues(encoding.vocabulary().values(), feature.type, resolved);
      AddSlot(encoding.vocabulary().embedding(), feature, resolved);
      break;
    case v1::Encoding::kOneHot:
      resolved.kind = EncodingSpec::Kind::kOneHot;
      SetValues(encoding.one_hot().values(), feature.type, resolved);
      take_dense(encoding.one_hot().values_size());
      break;
    case v1::Encoding::kBucketize:
      resolved.kind = EncodingSpec::Kind::kBucketize;
      resolved.boundaries.assign(encoding.bucketize().boundaries().begin(), encoding.bucketize().boundaries().end());
      AddSlot(encoding.bucketize().embedding(), feature, resolved);
      break;
    case v1::Encoding::kNumeric:
      resolved.kind = EncodingSpec::Kind::kNumeric;
      resolved.scaling = encoding.numeric().scaling();
      resolved.log1p = encoding.numeric().log1p();
      if (resolved.scaling != v1::Numeric::NONE) resolved.statistics = spec_->statistics_count_++;
      take_dense(feature.required ? 1 : 2);  // A value that may be missing has an input that says so.
      break;
    case v1::Encoding::kCrossed:
      resolved.kind = EncodingSpec::Kind::kCrossed;
      AddSlot(encoding.crossed().embedding(), feature, resolved);
      break;
    case v1::Encoding::kVector:
      resolved.kind = EncodingSpec::Kind::kVector;
      take_dense(encoding.vector().length() + (feature.required ? 0 : 1));
      break;
    case v1::Encoding::KIND_NOT_SET:
      break;  // Refused by the checks.
  }
  return resolved;
}

void ModelSpecBuilder::AddSlot(const v1::Embedding& embedding, const FeatureSpec& feature, EncodingSpec& encoding) {
  const auto [entry, is_new] = table_index_.emplace(embedding.table(), static_cast<int>(spec_->tables_.size()));
  if (is_new) AddTable(embedding);
  encoding.slot = static_cast<int>(spec_->slots_.size());
  SlotSpec slot;
  slot.feature = encoding.feature;
  slot.table = entry->second;
  slot.dimension = embedding.dimension();
  slot.sequence = feature.sequence;
  slot.mean_pooling = feature.mean_pooling;
  spec_->slots_.push_back(slot);
}

void ModelSpecBuilder::AddTable(const v1::Embedding& embedding) {
  TableSpec table;
  table.name = embedding.table();
  table.dimension = embedding.dimension();
  table.optimizer = spec_->file_.row_optimizer();
  v1::RowPolicy rows = spec_->file_.rows();
  for (const v1::Table& own : spec_->file_.tables()) {
    if (own.name() != table.name) continue;
    if (own.has_rows()) rows = own.rows();
    if (!own.has_optimizer()) continue;
    table.optimizer = own.optimizer();
    table.has_own_optimizer = true;
  }
  table.admit_after = std::max(1, rows.admit_after());
  table.expire_after_rows = rows.expire_after_rows();
  table.max_bytes = rows.max_bytes();
  switch (table.optimizer.kind_case()) {
    case v1::RowOptimizer::kFtrl:
      table.state_width = 2 * table.dimension;
      table.initial_range = static_cast<float>(table.optimizer.ftrl().initial_range());
      break;
    case v1::RowOptimizer::kAdam:
      table.state_width = 2 * table.dimension + 1;
      table.initial_range = static_cast<float>(table.optimizer.adam().initial_range());
      break;
    case v1::RowOptimizer::kAdagrad:
    case v1::RowOptimizer::KIND_NOT_SET:
      table.initial_range = static_cast<float>(table.optimizer.adagrad().initial_range());
      break;
  }
  spec_->tables_.push_back(std::move(table));
}

void ModelSpecBuilder::AddTask(const v1::Task& task) {
  TaskSpec resolved;
  resolved.name = task.name();
  resolved.weight = task.weight();
  if (task.has_binary()) {
    resolved.focal_gamma = task.binary().focal().gamma();
  } else if (task.has_multi_class()) {
    resolved.kind = TaskSpec::Kind::kMultiClass;
    resolved.outputs = task.multi_class().classes();
  } else if (task.has_regression()) {
    resolved.kind = TaskSpec::Kind::kRegression;
    SetRegression(task.regression().loss(), task.regression().transform(), resolved);
  } else if (task.has_forecast()) {
    resolved.kind = TaskSpec::Kind::kForecast;
    resolved.outputs = resolved.label_width = task.forecast().horizon();
    SetRegression(task.forecast().loss(), task.forecast().transform(), resolved);
  }
  if (task.has_forecast()) {
    resolved.columns.assign(task.columns().begin(), task.columns().end());
  } else {
    resolved.columns = {task.column()};
  }
  resolved.window_seconds = task.attribution_window_seconds();
  resolved.assume_negative_seconds = task.assume_negative_after_seconds();
  resolved.has_range = task.has_missing_outside();
  if (resolved.has_range) {
    resolved.range_min = task.missing_outside().min();
    resolved.range_max = task.missing_outside().max();
  }
  if (resolved.standardize) resolved.statistics = spec_->statistics_count_++;
  resolved.platt_half_life = task.calibration().platt().half_life_rows();
  resolved.evaluate_only = task.evaluate_only();
  const int index = static_cast<int>(spec_->tasks_.size());
  if (!task.has_product()) {
    resolved.tower = static_cast<int>(spec_->towers_.size());
    spec_->towers_.push_back(index);
  }
  spec_->task_index_.emplace(resolved.name, index);
  spec_->tasks_.push_back(std::move(resolved));
}

void ModelSpecBuilder::Relate(const v1::Task& task, TaskSpec& resolved) const {
  for (const std::string& factor : task.product().tasks()) resolved.factors.push_back(spec_->FindTask(factor));
  if (!task.has_defined_when()) return;
  resolved.defined_when = spec_->FindTask(task.defined_when().task());
  resolved.defined_when_negative = task.defined_when().negative();
}

void ModelSpecBuilder::AddScene(const v1::Scene& scene) {
  SceneSpec resolved;
  resolved.name = scene.name();
  resolved.has_task.resize(spec_->tasks_.size());
  resolved.has_feature.resize(spec_->features_.size());
  for (const std::string& name : scene.tasks()) {
    const int task = spec_->FindTask(name);
    resolved.tasks.push_back(task);
    resolved.has_task[task] = true;
  }
  for (const std::string& name : scene.features()) {
    const int feature = spec_->FindFeature(name);
    resolved.has_feature[feature] = true;
    resolved.has_candidates = resolved.has_candidates || spec_->features_[feature].candidate;
  }
  for (const v1::RankBy::Factor& factor : scene.rank_by().factors()) {
    resolved.rank_by.push_back({spec_->FindTask(factor.task()), factor.power()});
  }
  spec_->scene_index_.emplace(resolved.name, static_cast<int>(spec_->scenes_.size()));
  spec_->scenes_.push_back(std::move(resolved));
}

}  // namespace polyscene
