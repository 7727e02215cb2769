#include "model/learning/schema_change.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/spec/embedding_tables.h"

namespace polyscene {
namespace {

using google::protobuf::util::MessageDifferencer;

// "price:STANDARD", "price:MIN_MAX:log1p": of one encoding's scaled value.
std::string NumericName(const FeatureSpec& feature, const EncodingSpec& encoding) {
  return absl::StrCat(feature.name, ":", v1::Numeric::Scaling_Name(encoding.scaling), encoding.log1p ? ":log1p" : "");
}

// By name; of encodings that are the same twice, the first.
std::map<std::string, int> StatisticsOf(const ModelSpec& spec) {
  std::map<std::string, int> statistics;
  for (const FeatureSpec& feature : spec.features()) {
    for (const EncodingSpec& encoding : feature.encodings) {
      if (encoding.statistics >= 0) statistics.emplace(NumericName(feature, encoding), encoding.statistics);
    }
  }
  for (const TaskSpec& task : spec.tasks()) {  // No feature's name has a space.
    if (task.statistics >= 0) statistics.emplace(absl::StrCat("label ", task.name), task.statistics);
  }
  return statistics;
}

// What the ids of a table mean, from the first encoding that uses it.
struct TableMeaning {
  int dimension = 0;
  v1::Encoding encoding;
  v1::ValueType type = v1::VALUE_TYPE_UNSPECIFIED;
};

std::map<std::string, TableMeaning> TablesOf(const ModelSpec& spec) {
  std::map<std::string, TableMeaning> tables;
  for (const EmbeddingUse& use : EmbeddingUses(spec.file())) {
    const v1::Feature& feature = spec.file().features(use.feature);
    tables.emplace(use.table, TableMeaning{use.embedding->dimension(), feature.encode(use.encoding), feature.type()});
  }
  return tables;
}

// Why the rows of a table mean something else now; empty if they do not.
std::string TableConflict(const TableMeaning& from, const TableMeaning& to) {
  if (from.dimension != to.dimension) return absl::StrCat("its dimension was ", from.dimension, ", is ", to.dimension);
  if (from.encoding.kind_case() != to.encoding.kind_case()) return "it is of another kind of encoding";
  if (from.type != to.type) return "its ids are of another value type";
  if (from.encoding.has_vocabulary()) {  // The id is the place in the list, so it may only grow.
    const auto& before = from.encoding.vocabulary().values();
    const auto& now = to.encoding.vocabulary().values();
    if (before.size() > now.size() || !std::equal(before.begin(), before.end(), now.begin())) {
      return "its vocabulary changed otherwise than by values added at the end";
    }
  }
  if (from.encoding.has_crossed()) {
    const auto& before = from.encoding.crossed().with();
    const auto& now = to.encoding.crossed().with();
    if (!std::equal(before.begin(), before.end(), now.begin(), now.end())) return "it crosses other features";
  }
  if (from.encoding.has_bucketize()) {
    const auto& before = from.encoding.bucketize().boundaries();
    const auto& now = to.encoding.bucketize().boundaries();
    if (!std::equal(before.begin(), before.end(), now.begin(), now.end())) return "its boundaries changed";
  }
  return "";
}

std::string FeatureConflict(const FeatureSpec& from, const FeatureSpec& to) {
  if (from.type != to.type) return "its value type changed";
  if (from.sequence != to.sequence) return from.sequence ? "it was a sequence" : "it is a sequence now";
  if (from.vector_length != to.vector_length) {
    return absl::StrCat("its vectors had ", from.vector_length, " values, have ", to.vector_length);
  }
  if (from.personal != to.personal) return from.personal ? "it was personal" : "it is personal now";
  return "";
}

// Attention's units have weights of their own, which mean nothing in units of another shape or against another feature.
std::string PoolingConflict(const v1::Sequence& from, const v1::Sequence& to) {
  const bool attention = from.pooling() == v1::Sequence::ATTENTION;
  if (attention != (to.pooling() == v1::Sequence::ATTENTION)) {
    return attention ? "it was pooled by attention" : "it is pooled by attention now";
  }
  return MessageDifferencer::Equals(from.attention(), to.attention()) ? "" : "its attention changed";
}

std::string TaskConflict(const TaskSpec& from, const TaskSpec& to) {
  if (from.kind != to.kind) return "its kind changed";
  if (from.outputs != to.outputs) return absl::StrCat("it had ", from.outputs, " outputs, has ", to.outputs);
  if (from.poisson != to.poisson) {
    return absl::StrCat("its loss ", from.poisson ? "was" : "is", " poisson, under which the network fits a logarithm");
  }
  if (from.log1p != to.log1p || from.standardize != to.standardize || from.center != to.center ||
      from.scale != to.scale)
    return "its transform changed";
  return "";
}

// What the dense optimizer remembers: equal texts, equal state. Adam and AdamW remember the same.
std::string DenseState(const v1::DenseOptimizer& optimizer) {
  switch (optimizer.kind_case()) {
    case v1::DenseOptimizer::kSgd:
      return optimizer.sgd().momentum() > 0 ? "velocity" : "";
    case v1::DenseOptimizer::kAdagrad:
      return "sums";
    case v1::DenseOptimizer::kAdam:
    case v1::DenseOptimizer::kAdamW:
    case v1::DenseOptimizer::KIND_NOT_SET:
      break;
  }
  return "moments";
}

// Compares what has the same name; collects reasons against, and what is there on one side alone.
class Comparison {
 public:
  Comparison(const ModelSpec& from, const ModelSpec& to) : from_(from), to_(to) {}

  void Features() {
    for (const FeatureSpec& feature : to_.features()) {
      const int index = from_.FindFeature(feature.name);
      if (index < 0) {
        New("feature", feature.name);
      } else {
        Against("feature", feature.name, FeatureConflict(from_.features()[index], feature));
        Against("feature", feature.name,
                PoolingConflict(from_.file().features(index).sequence(),
                                to_.file().features(to_.FindFeature(feature.name)).sequence()));
      }
    }
    for (const FeatureSpec& feature : from_.features()) {
      if (to_.FindFeature(feature.name) < 0) Dropped("feature", feature.name);
    }
  }

  void Tasks() {
    for (const TaskSpec& task : to_.tasks()) {
      const int index = from_.FindTask(task.name);
      if (index < 0) {
        New("task", task.name);
      } else {
        const TaskSpec& before = from_.tasks()[index];
        Against("task", task.name, TaskConflict(before, task));
        if (before.tower < 0 && task.tower >= 0) New("tower of task", task.name);
        if (before.platt_half_life > 0 && task.platt_half_life <= 0) Dropped("calibration of task", task.name);
        if (before.platt_half_life <= 0 && task.platt_half_life > 0) New("calibration of task", task.name);
        if (before.tower >= 0 && task.tower < 0) Dropped("tower of task", task.name);
      }
    }
    for (const TaskSpec& task : from_.tasks()) {
      if (to_.FindTask(task.name) < 0) Dropped("task", task.name);
    }
  }

  void Scenes() {
    for (const SceneSpec& scene : to_.scenes()) {
      if (from_.FindScene(scene.name) < 0) New("scene", scene.name);
    }
    for (const SceneSpec& scene : from_.scenes()) {
      if (to_.FindScene(scene.name) < 0) Dropped("scene", scene.name);
    }
  }

  void Tables() {
    const std::map<std::string, TableMeaning> before = TablesOf(from_);
    const std::map<std::string, TableMeaning> now = TablesOf(to_);
    for (const auto& [name, table] : now) {
      const auto it = before.find(name);
      if (it == before.end()) {
        New("embedding table", name);
      } else {
        Against("embedding table", name, TableConflict(it->second, table));
      }
    }
    for (const auto& [name, table] : before) {
      if (now.count(name) == 0) Dropped("embedding table", name);
    }
    for (const TableSpec& table : from_.tables()) {
      const auto it = std::find_if(to_.tables().begin(), to_.tables().end(),
                                   [&table](const TableSpec& other) { return other.name == table.name; });
      change_.tables.push_back(it == to_.tables().end() ? -1 : static_cast<int>(it - to_.tables().begin()));
      if (it != to_.tables().end()) TableChanges(table, *it);
      if (it != to_.tables().end() && !SameRowState(table.optimizer, it->optimizer)) {
        change_.lines.push_back(
            absl::StrCat("new: state of the row optimizer of table '", table.name, "', which is of another kind"));
      }
    }
  }

  void Statistics() {
    const std::map<std::string, int> now = StatisticsOf(to_);
    const std::map<std::string, int> before = StatisticsOf(from_);
    change_.statistics.assign(from_.statistics_count(), -1);
    for (const auto& [name, index] : before) {
      const auto it = now.find(name);
      if (it == now.end()) {
        Dropped("statistics", name);
      } else {
        change_.statistics[index] = it->second;
      }
    }
    for (const auto& [name, index] : now) {
      if (before.count(name) == 0) New("statistics", name);
    }
  }

  void Network() {
    if (!MessageDifferencer::Equals(from_.file().network(), to_.file().network())) {
      reasons_.push_back(
          "network: its kind, its widths, its interaction, its skips, its towers or its scene adaptation changed");
    }
    if (DenseState(from_.file().dense_optimizer()) != DenseState(to_.file().dense_optimizer())) {
      change_.lines.push_back("new: state of the dense optimizer, which is of another kind");
    }
    if (from_.file().loss_balance().kind_case() != to_.file().loss_balance().kind_case()) {
      change_.lines.push_back("new: state of the loss balance, which is of another kind");
    }
    if (from_.file().seed() != to_.file().seed()) change_.lines.push_back("new: seed, of what is not there yet");
  }

  // Of evaluations, which are kept where they mean the same.
  void Evaluations() {
    const auto same_scene = [](const SceneSpec& a, const SceneSpec& b) {
      return a.name == b.name && a.tasks == b.tasks;
    };
    const auto same_task = [](const TaskSpec& a, const TaskSpec& b) {
      return a.name == b.name && a.quantile == b.quantile && a.factors.empty() == b.factors.empty();
    };
    change_.evaluations_kept =
        std::equal(from_.scenes().begin(), from_.scenes().end(), to_.scenes().begin(), to_.scenes().end(),
                   same_scene) &&
        std::equal(from_.tasks().begin(), from_.tasks().end(), to_.tasks().begin(), to_.tasks().end(), same_task);
    if (!change_.evaluations_kept) {
      change_.lines.push_back("dropped: sums of the evaluations so far, for scenes or tasks changed");
    }
  }

  absl::StatusOr<SchemaChange> Result() {
    if (!reasons_.empty()) return absl::FailedPreconditionError(absl::StrJoin(reasons_, "; "));
    return std::move(change_);
  }

 private:
  // Of a table that both have: what its rows begin as, and what is remembered of them beside values and state.
  void TableChanges(const TableSpec& from, const TableSpec& to) {
    if (from.initial_range != to.initial_range) {
      change_.lines.push_back(absl::StrCat("new: rows of table '", to.name, "' begin within ", to.initial_range,
                                           ", before within ", from.initial_range));
    }
    const auto lives = [](const TableSpec& table) { return table.expire_after_rows > 0 || table.max_bytes > 0; };
    if (lives(to) && !lives(from)) New("use of the rows of table", to.name);
    if (lives(from) && !lives(to)) Dropped("use of the rows of table", from.name);
    if (from.admit_after > 1 && to.admit_after <= 1) Dropped("ids that waited for a row in table", from.name);
  }

  void New(absl::string_view what, absl::string_view name) {
    change_.lines.push_back(absl::StrCat("new: ", what, " '", name, "'"));
  }
  void Dropped(absl::string_view what, absl::string_view name) {
    change_.lines.push_back(absl::StrCat("dropped: ", what, " '", name, "'"));
  }
  void Against(absl::string_view what, absl::string_view name, const std::string& reason) {
    if (!reason.empty()) reasons_.push_back(absl::StrCat(what, " '", name, "': ", reason));
  }

  const ModelSpec& from_;
  const ModelSpec& to_;
  SchemaChange change_;
  std::vector<std::string> reasons_;
};

}  // namespace

absl::StatusOr<SchemaChange> PlanSchemaChange(const ModelSpec& from, const ModelSpec& to) {
  Comparison comparison(from, to);
  comparison.Features();
  comparison.Scenes();
  comparison.Tasks();
  comparison.Tables();
  comparison.Statistics();
  comparison.Network();
  comparison.Evaluations();
  return comparison.Result();
}

bool SameRowState(const v1::RowOptimizer& from, const v1::RowOptimizer& to) {
  return from.kind_case() == to.kind_case();
}

bool SameRowLoss(const TaskSpec& from, const TaskSpec& to) {
  const auto loss = [](const TaskSpec& task) {
    return std::make_tuple(task.kind, task.outputs, task.focal_gamma, task.huber, task.huber ? task.huber_delta : 0,
                           task.poisson, task.quantile, task.log1p, task.standardize, task.scale);
  };
  return loss(from) == loss(to);
}

std::vector<std::string> DenseInputNames(const ModelSpec& spec) {
  std::vector<std::string> names(spec.dense_width());
  for (const FeatureSpec& feature : spec.features()) {
    for (const EncodingSpec& encoding : feature.encodings) {
      if (encoding.dense_offset < 0) continue;
      std::string* first = &names[encoding.dense_offset];
      if (encoding.kind == EncodingSpec::Kind::kNumeric) {
        first[0] = NumericName(feature, encoding);
        if (encoding.dense_width > 1) first[1] = absl::StrCat(feature.name, ":missing");
        continue;
      }
      if (encoding.kind == EncodingSpec::Kind::kVector) {
        for (int i = 0; i < feature.vector_length; ++i) first[i] = absl::StrCat(feature.name, "(", i, ")");
        if (encoding.dense_width > feature.vector_length) {
          first[feature.vector_length] = absl::StrCat(feature.name, ":missing");
        }
        continue;
      }
      for (size_t i = 0; i < encoding.values.size(); ++i) {
        first[i] = absl::StrCat(feature.name, "=", encoding.values[i]);
      }
      for (size_t i = 0; i < encoding.int_values.size(); ++i) {
        first[i] = absl::StrCat(feature.name, "=", encoding.int_values[i]);
      }
    }
  }
  return names;
}

}  // namespace polyscene
