// The model file, checked and resolved: names turned into indexes, defaults filled in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/data/columns.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// How one encoding of a feature enters the network.
struct EncodingSpec {
  enum class Kind { kHash, kVocabulary, kOneHot, kBucketize, kNumeric, kCrossed, kVector };
  Kind kind = Kind::kHash;
  int feature = 0;  // Index into ModelSpec::features().
  // Hash, vocabulary, bucketize, crossed: an embedding slot.
  int slot = -1;  // Index into ModelSpec::slots(); -1 for encodings without an embedding.
  // One-hot, numeric, vector: a range of dense inputs.
  int dense_offset = -1;  // First dense input; -1 for encodings with an embedding.
  int dense_width = 0;    // One-hot: number of values. Numeric: 1, vector: its length; 1 more with a missing indicator.
  int statistics = -1;    // Numeric with scaling: index into FeatureStatistics; else -1.
  std::vector<std::string> values;  // Vocabulary, one-hot on STRING.
  std::vector<int64_t> int_values;  // Vocabulary, one-hot on INT64.
  std::vector<double> boundaries;   // Bucketize.
  std::vector<int> with;            // Crossed: indexes into ModelSpec::features().
  v1::Numeric::Scaling scaling = v1::Numeric::STANDARD;
  bool log1p = false;
};

struct FeatureSpec {
  std::string name;
  std::string column;  // In data files.
  bool candidate = false;
  ValueType type = ValueType::kInt64;
  bool required = false;
  bool personal = false;
  bool sequence = false;
  bool mean_pooling = true;       // Of a sequence; else sum.
  int max_length = 0;             // Of a sequence.
  int vector_length = 0;          // Values of each row, where they are a vector; else 0.
  bool exposed_position = false;  // The joiner fills it from exposures.
  bool training_only = false;     // Missing in rows that are scored without being learned,
  double dropout = 0;             // and in this share of those that are.
  std::vector<EncodingSpec> encodings;
};

// One embedding the network reads per row: a table, and the feature whose ids select its rows.
struct SlotSpec {
  int feature = 0;
  int table = 0;
  int dimension = 0;
  bool sequence = false;
  bool mean_pooling = true;
  int attends_to =
      -1;  // Of a sequence pooled by attention: the slot whose embedding its values are weighed against; else -1.
};

struct TableSpec {
  std::string name;
  int dimension = 0;
  v1::RowOptimizer optimizer;  // Its own, or the model's.
  bool has_own_optimizer = false;
  int state_width = 1;            // Numbers that the optimizer keeps of a row.
  float initial_range = 0;        // Rows start uniform within +- of it.
  int admit_after = 1;            // See RowPolicy in model.proto, as the next two are.
  int64_t expire_after_rows = 0;  // 0: never.
  int64_t max_bytes = 0;          // 0: no bound.
};

struct RankFactor {
  int task = 0;  // Index into ModelSpec::tasks().
  double power = 1;
};

struct SceneSpec {
  std::string name;
  std::vector<int> tasks;           // Indexes into ModelSpec::tasks(), in the file's order.
  std::vector<bool> has_task;       // [tasks]
  std::vector<bool> has_feature;    // [features]
  bool has_candidates = false;      // Whether any of its features is on the candidate side.
  std::vector<RankFactor> rank_by;  // Empty: nothing ranks.
};

struct TaskSpec {
  enum class Kind { kBinary, kMultiClass, kRegression, kForecast };
  std::string name;
  Kind kind = Kind::kBinary;
  int outputs = 1;      // Values a prediction has: 1, classes, or horizon. Also the width of its head.
  int label_width = 1;  // Values a label has: 1, or horizon.
  double weight = 1;
  std::vector<std::string> columns;  // In data files: label_width names.
  double focal_gamma = 0;            // Binary: of the focal loss; 0: cross-entropy as it is.
  bool huber = false;                // Regression and forecast: else squared error,
  double huber_delta = 1;
  bool poisson = false;  // or the likelihood of a count, whose logit is the logarithm of its score,
  double quantile = 0;   // or the pinball loss of this quantile; 0: none.
  bool log1p = false;    // Regression and forecast: see Transform in model.proto.
  double center = 0;
  double scale = 1;
  bool standardize = false;  // Center and scale are running statistics instead,
  int statistics = -1;       // of which this is the index into FeatureStatistics; else -1.
  bool has_range = false;    // missing_outside
  double range_min = 0;
  double range_max = 0;
  double window_seconds = 0;           // attribution_window_seconds
  double assume_negative_seconds = 0;  // assume_negative_after_seconds; 0: never.
  int tower = -1;                      // Index into ModelSpec::towers(); -1: a product, which has none.
  std::vector<int> factors;            // Of a product, which is binary: indexes into ModelSpec::tasks(). Else empty.
  int defined_when = -1;  // The binary task whose label says whether this one's counts; -1: it always does.
  bool defined_when_negative = false;  // It counts where that label is 0 instead of 1.
  bool evaluate_only = false;          // No loss of its own.
  double platt_half_life = 0;          // Labelled rows; 0: scores are not calibrated.
};

// Immutable after creation, so any thread may read it.
class ModelSpec {
 public:
  // Checks `file` and fills in its defaults. kInvalidArgument lists every mistake, one a line.
  static absl::StatusOr<std::shared_ptr<const ModelSpec>> Create(v1::ModelFile file);

  // Parses a model file's text. kInvalidArgument lists every mistake as "<path>:<line>:<column>: <what>", one a line;
  // nothing after broken syntax is looked at.
  static absl::StatusOr<std::shared_ptr<const ModelSpec>> Parse(absl::string_view text, absl::string_view path);

  // Reads and parses the file. kNotFound or kPermissionDenied where it cannot be read.
  static absl::StatusOr<std::shared_ptr<const ModelSpec>> Load(const std::string& path);

  const v1::ModelFile& file() const { return file_; }  // With its defaults filled in.
  const std::string& text() const { return text_; }    // As it was read; empty after Create().

  // Over everything that decides what the state means: features, scenes, tasks and network, not rates, weights,
  // intervals or columns of data files. Equal on every machine.
  uint64_t fingerprint() const { return fingerprint_; }
  std::string fingerprint_hex() const;  // 16 digits.

  const std::vector<FeatureSpec>& features() const { return features_; }
  const std::vector<SceneSpec>& scenes() const { return scenes_; }
  const std::vector<TaskSpec>& tasks() const { return tasks_; }
  const std::vector<int>& towers() const { return towers_; }  // Tasks that the network computes: all but products.
  const std::vector<SlotSpec>& slots() const { return slots_; }
  const std::vector<TableSpec>& tables() const { return tables_; }
  int dense_width() const { return dense_width_; }  // Dense inputs a row.
  // Scaled numeric encodings, and standardized tasks behind them.
  int statistics_count() const { return statistics_count_; }

  // Index by name; -1 if there is none.
  int FindFeature(absl::string_view name) const;
  int FindScene(absl::string_view name) const;
  int FindTask(absl::string_view name) const;

  // "recommendation, search" and the like, for messages that say what was expected.
  std::string SceneNames() const;
  std::string TaskNames(const SceneSpec& scene) const;

 private:
  ModelSpec() = default;

  v1::ModelFile file_;
  std::string text_;
  uint64_t fingerprint_ = 0;
  std::vector<FeatureSpec> features_;
  std::vector<SceneSpec> scenes_;
  std::vector<TaskSpec> tasks_;
  std::vector<int> towers_;
  std::vector<SlotSpec> slots_;
  std::vector<TableSpec> tables_;
  int dense_width_ = 0;
  int statistics_count_ = 0;
  absl::flat_hash_map<std::string, int> feature_index_;
  absl::flat_hash_map<std::string, int> scene_index_;
  absl::flat_hash_map<std::string, int> task_index_;

  friend class ModelSpecBuilder;
};

}  // namespace polyscene
