#include "client/modelfile/tasks.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/modelfile/compact_text.h"
#include "client/modelfile/encodings.h"
#include "client/modelfile/name_words.h"

namespace polyscene {
namespace {

constexpr double kMostClasses = 100;
constexpr double kFewInts = 20;   // Up to here whole numbers may be classes as well as amounts.
constexpr double kHeavyTail = 2;  // Skewness.
constexpr double kFarOut = 15;    // Deviations from the mean, from where on a value may be a slip of the keyboard.
constexpr size_t kLongestHorizon = 366;  // As the model file allows.

bool IsBinary(const ColumnProfile& column) { return column.whole_numbers && column.min >= 0 && column.max <= 1; }

bool FallsSteadily(const ColumnProfile& column) {
  std::map<double, int64_t> by_value;
  for (const auto& [value, count] : column.values) by_value[std::atof(value.c_str())] += count;
  int64_t before = column.rows + 1;
  for (const auto& [value, count] : by_value) {
    if (count >= before) return false;
    before = count;
  }
  return true;
}

// Classes: by name, or because whole numbers from 0 without a gap are not spread as counts are.
bool LooksLikeClasses(const ColumnProfile& column) {
  if (!column.whole_numbers || column.min < 0 || column.max >= kMostClasses || column.distinct < 3) return false;
  if (IsClassName(column.name) && column.name.size() > 1 && column.distinct <= 50) return true;
  if (IsAmountName(column.name) || column.max > kFewInts || column.min != 0) return false;
  return column.max == static_cast<double>(column.distinct - 1) && !FallsSteadily(column);
}

// Of several columns as one.
struct Spread {
  double min = 0, max = 0, mean = 0, deviation = 0, skewness = 0;
  double log_mean = 0, log_deviation = 0, log_skewness = 0;
};

Spread Together(const std::vector<const ColumnProfile*>& columns) {
  Spread all;
  const double count = static_cast<double>(columns.size());
  all.min = columns[0]->min;
  all.max = columns[0]->max;
  double squares = 0, log_squares = 0;
  for (const ColumnProfile* column : columns) {
    all.min = std::min(all.min, column->min);
    all.max = std::max(all.max, column->max);
    all.mean += column->mean / count;
    all.log_mean += column->log_mean / count;
    all.skewness += column->skewness / count;
    all.log_skewness += column->log_skewness / count;
    squares += (column->deviation * column->deviation + column->mean * column->mean) / count;
    log_squares += (column->log_deviation * column->log_deviation + column->log_mean * column->log_mean) / count;
  }
  all.deviation = std::sqrt(std::max(0.0, squares - all.mean * all.mean));
  all.log_deviation = std::sqrt(std::max(0.0, log_squares - all.log_mean * all.log_mean));
  return all;
}

// As a person would write it.
std::string Short(double x) { return absl::StrCat(Rounded(x, 4)); }

// Brings the label to about mean 0 and deviation 1.
std::string SetTransform(const Spread& spread, v1::Transform& transform) {
  const bool logs =
      spread.min >= 0 && spread.skewness > kHeavyTail && std::abs(spread.log_skewness) < spread.skewness / 2;
  const double mean = logs ? spread.log_mean : spread.mean;
  const double deviation = logs ? spread.log_deviation : spread.deviation;
  if (logs) transform.set_log1p(true);
  transform.set_scale(deviation > 1e-30 ? Rounded(deviation, 3) : 1);
  // As many digits as it takes to be near on the scale: 1,000,000,007 +- 2 has its mean in the last ones.
  const double digits = 3 + std::ceil(std::log10(std::max(1.0, std::abs(mean) / std::max(deviation, 1e-30))));
  transform.set_center(Rounded(mean, static_cast<int>(std::min(digits, 17.0))));
  return absl::StrCat("numbers from ", Short(spread.min), " to ", Short(spread.max), logs ? " with a long tail" : "",
                      ", scaled as the sample has them");
}

class TaskMaker {
 public:
  explicit TaskMaker(const TableGuess& guess) : guess_(guess) {}

  std::vector<ProposedTask> Make() {
    const std::vector<int> labels = guess_.All(Role::kLabel);
    std::vector<bool> done(guess_.columns.size());
    for (const int c : labels) {
      if (done[c]) continue;
      std::vector<int> steps = ForecastFrom(c, labels);
      for (const int step : steps) done[step] = true;
      done[c] = true;
      tasks_.emplace_back();
      steps.empty() ? MakeSingle(c) : MakeForecast(std::move(steps));
    }
    return std::move(tasks_);
  }

 private:
  const ColumnProfile& profile(int c) const { return guess_.profiles[c]; }

  // The columns that are numbered on from `c`: at least two amounts. Empty: it stands alone.
  std::vector<int> ForecastFrom(int c, const std::vector<int>& labels) const {
    std::string stem;
    int number = 0;
    if (!SplitNumbered(profile(c).name, &stem, &number)) return {};
    std::map<int, int> numbered;
    for (const int other : labels) {
      std::string other_stem;
      int other_number = 0;
      if (SplitNumbered(profile(other).name, &other_stem, &other_number) && other_stem == stem) {
        numbered.emplace(other_number, other);
      }
    }
    std::vector<int> steps;
    bool only_binary = true;
    for (const auto& [step, column] : numbered) {
      if (step != numbered.begin()->first + static_cast<int>(steps.size()))
        return {};  // A gap: not steps of one thing.
      steps.push_back(column);
      only_binary = only_binary && IsBinary(profile(column));
    }
    if (steps.size() < 2 || steps.size() > kLongestHorizon || only_binary) return {};
    return steps;
  }

  void MakeForecast(std::vector<int> steps) {
    ProposedTask& made = tasks_.back();
    std::vector<const ColumnProfile*> columns;
    for (const int step : steps) columns.push_back(&profile(step));
    v1::Forecast& forecast = *made.task.mutable_forecast();
    forecast.set_horizon(static_cast<int>(steps.size()));
    std::string stem;
    int number = 0;
    SplitNumbered(columns[0]->name, &stem, &number);
    made.reason = absl::StrCat(steps.size(), " columns numbered from ", number, " on: a vector; ",
                               SetTransform(Together(columns), *forecast.mutable_transform()));
    while (!stem.empty() && (stem.back() == '_' || stem.back() == '-' || stem.back() == '.' || stem.back() == ' '))
      stem.pop_back();
    made.suggested_name = stem;
    made.columns = std::move(steps);
  }

  void MakeSingle(int c) {
    ProposedTask& made = tasks_.back();
    const ColumnProfile& column = profile(c);
    made.suggested_name = column.name;
    made.columns = {c};
    if (IsBinary(column)) {
      made.task.mutable_binary();
      made.reason = absl::StrCat("0 or 1, ", Short(100 * column.mean), " % are 1");
      if (column.distinct == 1) {
        made.doubts.push_back({absl::StrCat("'", column.name, "' is ", column.values[0].first,
                                            " in every sampled row: is it a label, and is there more to come?"),
                               Doubt::Place::kTask,
                               {c}});
      }
      return;
    }
    const bool either = column.whole_numbers && column.min >= 0 && column.max <= kFewInts;
    v1::Task classes, amounts;
    classes.mutable_multi_class()->set_classes(static_cast<int>(std::clamp(column.max + 1, 2.0, 1000.0)));
    const std::string scaled = SetTransform(Together({&column}), *amounts.mutable_regression()->mutable_transform());
    const bool is_classes = LooksLikeClasses(column);
    made.task = is_classes ? classes : amounts;
    made.reason =
        is_classes ? absl::StrCat(column.distinct, " whole numbers up to ", Short(column.max), ": classes") : scaled;
    if (!is_classes && FarOut(column)) GuardAgainstSlips(c, made);
    if (either) {
      made.doubts.push_back(
          {absl::StrCat("Is '", column.name, "' (", column.distinct, " whole numbers) a class or an amount? Taken for ",
                        is_classes ? "a class; as an amount:" : "an amount; as a class:"),
           Doubt::Place::kTask,
           {c},
           {CompactText(is_classes ? amounts : classes)}});
    }
  }

  static bool FarOut(const ColumnProfile& column) {
    return column.deviation > 0 &&
           std::max(column.max - column.mean, column.mean - column.min) > kFarOut * column.deviation;
  }

  // One absurd value must not weigh more than all others.
  void GuardAgainstSlips(int c, ProposedTask& made) {
    const ColumnProfile& column = profile(c);
    made.task.mutable_regression()->mutable_loss()->mutable_huber();
    absl::StrAppend(&made.reason, "; huber, for some lie far out");
    const double low = column.percentiles[1], high = column.percentiles[99];
    const double reach = 3 * (high - low);
    if (reach <= 0) return;
    v1::Task guarded;
    guarded.mutable_regression()->mutable_transform()->CopyFrom(made.task.regression().transform());
    guarded.mutable_missing_outside()->set_min(low >= 0 ? 0 : Rounded(low - reach, 2));
    guarded.mutable_missing_outside()->set_max(Rounded(high + reach, 2));
    made.doubts.push_back({absl::StrCat("'", column.name, "' goes from ", Short(column.min), " to ", Short(column.max),
                                        ", but 98 % lie between ", Short(low), " and ", Short(high),
                                        ". If what lies far out is a slip rather than a label:"),
                           Doubt::Place::kTask,
                           {c},
                           {CompactText(guarded)}});
  }

  const TableGuess& guess_;
  std::vector<ProposedTask> tasks_;
};

}  // namespace

std::vector<ProposedTask> MakeTasks(const TableGuess& guess) { return TaskMaker(guess).Make(); }

}  // namespace polyscene
