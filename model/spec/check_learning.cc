// Optimizers, the learning policy, how requests are served, and the columns of data files.
#include <set>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/spec/checks.h"
#include "model/spec/embedding_tables.h"

namespace polyscene {
namespace {

constexpr int kMaxStepRows = 1 << 20;          // A step's activations are in memory at once.
constexpr int kMaxWindowRows = 1'000'000'000;  // Only bounds a slip: memory does not follow the window.

constexpr int64_t kMaxScheduleSteps = 1'000'000'000'000;  // Only bounds a slip.

template <typename Options>  // Adam, AdamW or RowAdam.
void CheckAdam(const Options& adam, const NumberRule& rate, const Place& place, Mistakes& mistakes) {
  CheckNumber(place, "learning_rate", adam.learning_rate(), rate, mistakes);
  CheckNumber(place, "beta1", adam.beta1(), {.below = 1}, mistakes);
  CheckNumber(place, "beta2", adam.beta2(), {.below = 1}, mistakes);
  CheckNumber(place, "epsilon", adam.epsilon(), {}, mistakes);
}

void CheckSchedule(const v1::Schedule& schedule, const Place& place, Mistakes& mistakes) {
  CheckInteger(place, "warm_up_steps", schedule.warm_up_steps(), 0, kMaxScheduleSteps, mistakes);
  if (schedule.has_inverse_square_root() && schedule.inverse_square_root().steps() != 0) {
    CheckInteger(place.Field("inverse_square_root"), "steps", schedule.inverse_square_root().steps(), 1,
                 kMaxScheduleSteps, mistakes);
  }
  if (schedule.has_exponential()) {
    CheckInteger(place.Field("exponential"), "half_life_steps", schedule.exponential().half_life_steps(), 1,
                 kMaxScheduleSteps, mistakes);
  }
  const double floor = schedule.floor();
  if (!(floor >= 0 && floor <= 1)) {
    mistakes.Add(place.Field("floor"), absl::StrCat("floor is ", floor, ", expected 0 to 1"));
  }
}

void CheckDenseOptimizer(const v1::DenseOptimizer& dense, const Place& place, Mistakes& mistakes) {
  switch (dense.kind_case()) {
    case v1::DenseOptimizer::kAdam:
      CheckAdam(dense.adam(), {}, place.Field("adam"), mistakes);
      break;
    case v1::DenseOptimizer::kSgd:
      CheckNumber(place.Field("sgd"), "learning_rate", dense.sgd().learning_rate(), {}, mistakes);
      CheckNumber(place.Field("sgd"), "momentum", dense.sgd().momentum(), {.positive = false, .below = 1}, mistakes);
      break;
    case v1::DenseOptimizer::kAdamW:
      CheckAdam(dense.adam_w(), {}, place.Field("adam_w"), mistakes);
      CheckNumber(place.Field("adam_w"), "weight_decay", dense.adam_w().weight_decay(), {}, mistakes);
      break;
    case v1::DenseOptimizer::kAdagrad:
      CheckNumber(place.Field("adagrad"), "learning_rate", dense.adagrad().learning_rate(), {}, mistakes);
      CheckNumber(place.Field("adagrad"), "initial_accumulator", dense.adagrad().initial_accumulator(),
                  {.positive = false}, mistakes);
      CheckNumber(place.Field("adagrad"), "epsilon", dense.adagrad().epsilon(), {}, mistakes);
      break;
    case v1::DenseOptimizer::KIND_NOT_SET:
      break;
  }
  if (dense.has_schedule()) CheckSchedule(dense.schedule(), place.Field("schedule"), mistakes);
  CheckNumber(place, "clip_norm", dense.clip_norm(), {.positive = false}, mistakes);
  CheckNumber(place, "tower_factor", dense.tower_factor(), {}, mistakes);
}

// What is beyond is a slip of the finger, and would leave rows that are not finite, or never move.
constexpr NumberRule kRate = {.below = 1e6, .least = 1e-10};
constexpr NumberRule kPenalty = {.positive = false, .below = 1e6};

void CheckAdagrad(const v1::RowAdagrad& adagrad, const Place& place, Mistakes& mistakes) {
  CheckNumber(place, "learning_rate", adagrad.learning_rate(), kRate, mistakes);
  CheckNumber(place, "initial_accumulator", adagrad.initial_accumulator(), kRate, mistakes);
  CheckNumber(place, "epsilon", adagrad.epsilon(), {}, mistakes);
  CheckNumber(place, "initial_range", adagrad.initial_range(), kRate, mistakes);
  CheckNumber(place, "l2", adagrad.l2(), kPenalty, mistakes);
}

void CheckFtrl(const v1::RowFtrl& ftrl, const Place& place, Mistakes& mistakes) {
  CheckNumber(place, "alpha", ftrl.alpha(), kRate, mistakes);
  CheckNumber(place, "beta", ftrl.beta(), kRate, mistakes);
  CheckNumber(place, "l1", ftrl.l1(), kPenalty, mistakes);
  CheckNumber(place, "l2", ftrl.l2(), kPenalty, mistakes);
  CheckNumber(place, "initial_range", ftrl.initial_range(), kRate, mistakes);
}

void CheckRowOptimizer(const v1::RowOptimizer& row, const Place& place, Mistakes& mistakes) {
  switch (row.kind_case()) {
    case v1::RowOptimizer::kAdagrad:
      CheckAdagrad(row.adagrad(), place.Field("adagrad"), mistakes);
      break;
    case v1::RowOptimizer::kFtrl:
      CheckFtrl(row.ftrl(), place.Field("ftrl"), mistakes);
      break;
    case v1::RowOptimizer::kAdam:
      CheckAdam(row.adam(), kRate, place.Field("adam"), mistakes);
      CheckNumber(place.Field("adam"), "initial_range", row.adam().initial_range(), kRate, mistakes);
      CheckNumber(place.Field("adam"), "l2", row.adam().l2(), kPenalty, mistakes);
      break;
    case v1::RowOptimizer::KIND_NOT_SET:
      break;
  }
}

constexpr int64_t kLeastExpiry = 1024;             // Sightings are timed in units of so many learned rows.
constexpr int64_t kLeastBytes = int64_t{1} << 20;  // Room for some rows of any dimension, and their index.
constexpr int64_t kMostBytes = int64_t{1} << 50;   // Only bounds a slip, as the next does.
constexpr int64_t kMostExpiry = 1'000'000'000'000;

void CheckRowPolicy(const v1::RowPolicy& rows, const Place& place, Mistakes& mistakes) {
  if (rows.admit_after() != 0) CheckInteger(place, "admit_after", rows.admit_after(), 1, 255, mistakes);
  if (rows.expire_after_rows() != 0) {
    CheckInteger(place, "expire_after_rows", rows.expire_after_rows(), kLeastExpiry, kMostExpiry, mistakes);
  }
  if (rows.max_bytes() != 0) CheckInteger(place, "max_bytes", rows.max_bytes(), kLeastBytes, kMostBytes, mistakes);
}

// Tables that differ from the others: each is one that an embedding uses, and is named once.
void CheckOwnTables(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  std::set<std::string> used;
  for (const EmbeddingUse& use : EmbeddingUses(file)) used.insert(use.table);
  absl::flat_hash_set<std::string> named;
  for (int i = 0; i < file.tables_size(); ++i) {
    const v1::Table& table = file.tables(i);
    const Place here = place.Field("tables", i);
    if (used.count(table.name()) == 0) {
      mistakes.Add(here.Field("name"), absl::StrCat("table '", table.name(), "' is of no embedding, expected ",
                                                    used.empty() ? "no tables: no feature has an embedding"
                                                                 : absl::StrCat("one of ", absl::StrJoin(used, ", "))));
    } else if (!named.insert(table.name()).second) {
      mistakes.Add(here.Field("name"), absl::StrCat("table '", table.name(), "' is there already, expected each once"));
    }
    if (!table.has_optimizer() && !table.has_rows() && !AnyBad(here, {"optimizer", "rows"})) {
      mistakes.Add(
          here, absl::StrCat("table '", table.name(), "' has neither optimizer nor rows, expected what it differs by"));
    }
    if (table.has_optimizer() && table.optimizer().kind_case() == v1::RowOptimizer::KIND_NOT_SET &&
        !AnyBad(here.Field("optimizer"), {"adagrad", "ftrl", "adam"})) {
      mistakes.Add(here.Field("optimizer"), absl::StrCat("the optimizer of table '", table.name(),
                                                         "' has no kind, expected one of adagrad, ftrl, adam"));
    }
    CheckRowOptimizer(table.optimizer(), here.Field("optimizer"), mistakes);
    CheckRowPolicy(table.rows(), here.Field("rows"), mistakes);
  }
}

void CheckDrift(const v1::DriftDetection& drift, const Place& place, Mistakes& mistakes) {
  if (!drift.has_page_hinkley()) return;
  const v1::PageHinkley& test = drift.page_hinkley();
  const Place here = place.Field("page_hinkley");
  CheckNumber(here, "tolerance", test.tolerance(), {}, mistakes);
  CheckNumber(here, "threshold", test.threshold(), {}, mistakes);
  if (test.minimum_rows() != 0) {
    CheckInteger(here, "minimum_rows", test.minimum_rows(), 1, kMaxWindowRows, mistakes);
  }
}

}  // namespace

void CheckLearning(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  CheckDenseOptimizer(file.dense_optimizer(), place.Field("dense_optimizer"), mistakes);
  CheckRowOptimizer(file.row_optimizer(), place.Field("row_optimizer"), mistakes);
  CheckRowPolicy(file.rows(), place.Field("rows"), mistakes);
  CheckOwnTables(file, place, mistakes);

  const v1::LearningPolicy& learning = file.learning();
  const Place policy = place.Field("learning");
  if (learning.step_rows() != 0) CheckInteger(policy, "step_rows", learning.step_rows(), 1, kMaxStepRows, mistakes);
  if (learning.evaluation_window_rows() != 0) {
    CheckInteger(policy, "evaluation_window_rows", learning.evaluation_window_rows(), 1, kMaxWindowRows, mistakes);
  }
  CheckNumber(policy, "step_wait_seconds", learning.step_wait_seconds(), {}, mistakes);
  CheckNumber(policy, "publish_interval_seconds", learning.publish_interval_seconds(), {}, mistakes);
  CheckNumber(policy, "checkpoint_interval_seconds", learning.checkpoint_interval_seconds(), {}, mistakes);
  CheckDrift(learning.drift(), policy.Field("drift"), mistakes);
}

void CheckServing(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  // A clock's own noise is below the least, and nobody waits for the most.
  constexpr NumberRule kTarget = {.below = 60, .least = 1e-4};
  CheckNumber(place.Field("serving"), "latency_target_seconds", file.serving().latency_target_seconds(), kTarget,
              mistakes);
}

void CheckFiles(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  // A label that is also an input is known before it is to be predicted: the evaluation would be a lie.
  absl::flat_hash_set<std::string> inputs;
  for (const v1::Feature& feature : file.features()) {
    inputs.insert(feature.column().empty() ? feature.name() : feature.column());
  }
  const auto check = [&](const std::string& column, const Place& where, const std::string& task) {
    if (inputs.contains(column)) {
      mistakes.Add(where, absl::StrCat("column '", column, "' is the label of task '", task,
                                       "' and a feature, expected it to be one of them"));
    }
  };
  for (int i = 0; i < file.tasks_size(); ++i) {
    const v1::Task& task = file.tasks(i);
    const Place here = place.Field("tasks", i);
    for (int c = 0; c < task.columns_size(); ++c) check(task.columns(c), here.Field("columns", c), task.name());
    if (task.has_forecast() || task.name().empty()) continue;
    const bool named = !task.column().empty();
    check(named ? task.column() : task.name(), here.Field(named ? "column" : "name"), task.name());
  }
}

}  // namespace polyscene
