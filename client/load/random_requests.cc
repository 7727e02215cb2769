#include "client/load/random_requests.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/lib/encode.h"
#include "model/data/event_columns.h"
#include "model/data/field_parser.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::load {
namespace {

constexpr double kMissingShare = 0.05;
constexpr int kLongestSequence = 50;  // Of what a feature may have: 10,000 would be a test of the network alone.

class ValueMaker {
 public:
  ValueMaker(uint64_t seed, int64_t ids) : random_(seed), ids_(ids) {}

  // A column of `rows` values of the feature.
  Column Make(const v1::Feature& feature, int rows) {
    Column column;
    column.name = feature.name();
    column.type = ToValueType(feature.type());
    const int vector_length = feature.encode().empty() ? 0 : feature.encode(0).vector().length();
    for (int row = 0; row < rows; ++row) {
      const bool missing = !feature.required() && Uniform() < kMissingShare;
      if (missing) column.missing.push_back(static_cast<uint32_t>(row));
      int length = 1;
      if (feature.has_sequence()) {
        const int longest = feature.sequence().max_length() == 0 ? kLongestSequence : feature.sequence().max_length();
        length = missing ? 0 : vector_length > 0 ? vector_length : Below(std::min(longest, kLongestSequence) + 1);
        column.lengths.push_back(static_cast<uint32_t>(length));
      }
      for (int i = 0; i < length; ++i) AddValue(feature, column);
    }
    return column;
  }

 private:
  double Uniform() { return std::uniform_real_distribution<double>()(random_); }
  int64_t Below(int64_t end) {
    return std::uniform_int_distribution<int64_t>(0, std::max<int64_t>(end, 1) - 1)(random_);
  }

  void AddValue(const v1::Feature& feature, Column& column) {
    static const v1::Encoding kNone;
    const v1::Encoding& encoding = feature.encode().empty() ? kNone : feature.encode(0);
    switch (encoding.kind_case()) {
      case v1::Encoding::kVocabulary:
        return AddListed(encoding.vocabulary().values(), column);
      case v1::Encoding::kOneHot:
        return AddListed(encoding.one_hot().values(), column);
      case v1::Encoding::kBucketize: {
        const auto& boundaries = encoding.bucketize().boundaries();
        const double low = *boundaries.begin(), high = *boundaries.rbegin();
        const double beyond = std::max((high - low) / boundaries.size(), 1.0);
        return AddNumber(low - beyond + Uniform() * (high - low + 2 * beyond), column);
      }
      case v1::Encoding::kNumeric:
        return AddNumber(encoding.numeric().log1p() ? std::expm1(7 * Uniform()) : 100 * Uniform(), column);
      case v1::Encoding::kVector:
        return AddNumber(2 * Uniform() - 1, column);
      case v1::Encoding::kHash:
      case v1::Encoding::kCrossed:
      case v1::Encoding::KIND_NOT_SET:
        break;
    }
    const int64_t id = Below(ids_);
    if (column.type == ValueType::kString) {
      column.strings.push_back(absl::StrCat("v", id));
    } else {
      AddNumber(static_cast<double>(id), column);
    }
  }

  template <typename Values>
  void AddListed(const Values& values, Column& column) {
    const std::string& value = values[static_cast<int>(Below(values.size()))];
    if (AppendValue(value, column) != nullptr) AppendEmptyValue(column);  // The server has checked its model file.
  }

  static void AddNumber(double value, Column& column) {
    if (column.type == ValueType::kInt64) {
      column.ints.push_back(std::llround(value));
    } else if (column.type == ValueType::kFloat) {
      column.floats.push_back(static_cast<float>(value));
    } else {
      column.strings.push_back(absl::StrCat(std::llround(value)));
    }
  }

  std::mt19937_64 random_;
  const int64_t ids_;
};

PreparedRequest MakeRequest(const v1::ModelFile& model, const PoolScene& scene, int candidates, ValueMaker& values) {
  const std::vector<const v1::Feature*> features = FeaturesOfScene(model, *scene.scene);
  const bool has_candidates =
      std::any_of(features.begin(), features.end(), [](const v1::Feature* f) { return f->side() == v1::CANDIDATE; });
  v1::PredictRequest request;
  request.set_scene(scene.scene->name());
  for (const std::string& task : scene.tasks) request.add_tasks(task);
  for (const v1::Feature* feature : features) {
    const bool context = feature->side() == v1::CONTEXT;
    const int rows = context && has_candidates ? 1 : candidates;
    Column column = values.Make(*feature, rows);
    if (static_cast<int>(column.missing.size()) == rows) continue;  // A whole column that is missing is left out.
    *(context ? request.add_context() : request.add_candidates()) = client::EncodeColumn(std::move(column));
  }
  return {scene.scene->name(), candidates, request.SerializeAsString()};
}

template <typename Named>
bool Has(const Named& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

absl::StatusOr<std::vector<PoolScene>> ScenesOfPool(const v1::ModelFile& model, const PoolOptions& options) {
  std::vector<std::string> scene_names, task_names;
  for (const v1::Scene& scene : model.scenes()) scene_names.push_back(scene.name());
  for (const v1::Task& task : model.tasks()) task_names.push_back(task.name());
  for (const std::string& name : options.scenes) {
    if (Has(scene_names, name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("scene '", name, "' is not in the model, expected one of ", absl::StrJoin(scene_names, ", ")));
  }
  for (const std::string& name : options.tasks) {
    if (Has(task_names, name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("task '", name, "' is not in the model, expected some of ", absl::StrJoin(task_names, ", ")));
  }
  std::vector<PoolScene> chosen;
  for (const v1::Scene& scene : model.scenes()) {
    if (!options.scenes.empty() && !Has(options.scenes, scene.name())) continue;
    PoolScene& one = chosen.emplace_back();
    one.scene = &scene;
    for (const std::string& task : scene.tasks()) {
      if (Has(options.tasks, task)) one.tasks.push_back(task);
    }
    if (!options.tasks.empty() && one.tasks.empty()) chosen.pop_back();
  }
  if (chosen.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("no scene of ", absl::StrJoin(options.scenes, ", "),
                                                   " has a task of ", absl::StrJoin(options.tasks, ", ")));
  }
  return chosen;
}

absl::StatusOr<std::vector<PreparedRequest>> RandomRequests(const v1::ModelFile& model, const PoolOptions& options,
                                                            int64_t ids) {
  const absl::StatusOr<std::vector<PoolScene>> scenes = ScenesOfPool(model, options);
  if (!scenes.ok()) return scenes.status();
  ValueMaker values(options.seed, ids);
  std::vector<PreparedRequest> requests;
  for (int i = 0; i < options.requests; ++i) {
    requests.push_back(MakeRequest(model, (*scenes)[i % scenes->size()], options.candidates, values));
  }
  return requests;
}

}  // namespace polyscene::load
