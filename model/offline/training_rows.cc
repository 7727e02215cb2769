#include "model/offline/training_rows.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "model/report/interrupt.h"
#include "model/report/text_table.h"

namespace polyscene {

TrainingRows::TrainingRows(std::shared_ptr<const ModelSpec> spec, HashKey key, const TrainFlags& flags,
                           const TrainSources& sources)
    : spec_(std::move(spec)), key_(key), flags_(flags) {
  train_.paths = flags.train;
  if (!flags.from_log.empty()) {
    train_.paths = {flags.from_log};
    train_.open = [spec = spec_, key, &sources](const RowSelection& selection, RefusedRows* refused) {
      return sources.open_log(spec, key, selection, refused);
    };
  }
  if (flags.split) {
    test_ = train_;
    train_.until_micros = flags.split_micros;
  } else {
    test_.paths = flags.test;
  }
  test_.evaluated = true;
  test_.from_micros = std::max(flags.split_micros, flags.evaluate_from_micros);
}

absl::Status TrainingRows::CheckFiles(RunContext& context) const {
  if (flags_.split && flags_.from_log.empty() && spec_->file().files().event_time_column().empty()) {
    return absl::InvalidArgumentError(
        "--split: the model file names no event time column, expected files { event_time_column: ... }");
  }
  std::vector<std::string> paths = flags_.train;
  paths.insert(paths.end(), flags_.test.begin(), flags_.test.end());
  if (paths.empty()) return absl::OkStatus();
  if (absl::Status status = CheckSameColumns(*spec_, paths); !status.ok()) return status;
  // A misspelt name would go unnoticed otherwise.
  const absl::StatusOr<std::vector<std::string>> absent = AbsentColumns(*spec_, paths.front());
  if (!absent.ok()) return absent.status();
  if (!absent->empty()) {
    context.Tell(absl::StrCat(paths.front(), " has no column of ", absl::StrJoin(*absent, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileSurvey> TrainingRows::Read(const char* what, const RowSelection& selection, RefusedRows* refused,
                                              RunContext& context) const {
  context.progress().Begin(what);
  context.progress().StartClock(absl::Now());
  return SurveyFiles(spec_, key_, selection, refused, [&context](double fraction) {
    context.progress().Update(-1, fraction, absl::Now());
    return !Interrupted();
  });
}

absl::Status TrainingRows::Survey(RunContext& context) {
  absl::StatusOr<FileSurvey> train = Read("reading the training rows", train_, &context.refused(), context);
  if (!train.ok()) return train.status();
  train_survey_ = *std::move(train);
  if (!test_.paths.empty()) {
    // With --split the same files were read a moment ago, and told of.
    RefusedRows* const refused = flags_.split ? nullptr : &context.refused();
    absl::StatusOr<FileSurvey> test = Read("reading the test rows", test_, refused, context);
    if (!test.ok()) return test.status();
    test_survey_ = *std::move(test);
  }
  if (absl::Status status = context.refused().Check(); !status.ok()) return status;
  context.Tell(absl::StrCat(WithThousands(train_rows()), " training rows, ", WithThousands(test_rows()), " test rows, ",
                            WithThousands(context.refused().count()), " refused"));
  return CheckLabels(context);
}

absl::Status TrainingRows::CheckLabels(RunContext& context) const {
  const std::string train = absl::StrJoin(train_.paths, ", ");
  if (train_rows() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        train, ": no row to train on", flags_.split ? ", all are from --split on" : "", ", expected at least one"));
  }
  const std::string test = absl::StrJoin(test_.paths, ", ");
  if (!test_.paths.empty() && test_rows() == 0) {
    const bool timed = flags_.split || flags_.evaluate_from_micros > 0;
    return absl::InvalidArgumentError(absl::StrCat(test, ": no row to evaluate",
                                                   timed ? ", all are before --split or --evaluate_from" : "",
                                                   ", expected at least one"));
  }
  if (!flags_.from_log.empty()) {
    for (size_t t = 0; t < spec_->tasks().size(); ++t) {
      if (train_survey_.labelled[t] > 0) continue;
      context.Tell(absl::StrCat(flags_.from_log, " has no label of task '", spec_->tasks()[t].name, "'"));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<std::string>> absent = AbsentColumns(*spec_, train_.paths.front());
  if (!absent.ok()) return absent.status();
  for (size_t t = 0; t < spec_->tasks().size(); ++t) {
    const std::string name = absl::StrCat("task '", spec_->tasks()[t].name, "'");
    const bool has_column = std::find(absent->begin(), absent->end(), name) == absent->end();
    if (!has_column || train_survey_.labelled[t] > 0) continue;  // A file without the column was told of.
    return absl::InvalidArgumentError(absl::StrCat(name, ": of the ", WithThousands(train_rows()),
                                                   " training rows none has its label (column '",
                                                   absl::StrJoin(spec_->tasks()[t].columns, "', '"), "' in ", train,
                                                   "), so nothing could be learned of it; expected labels, or the task "
                                                   "out of the model file, or the column out of "
                                                   "the files to train the other tasks alone"));
  }
  return absl::OkStatus();
}

void TrainingRows::SetStatistics(OfflineLearner& learner) const {
  FeatureStatistics statistics = learner.statistics();
  for (size_t i = 0; i < statistics.entries.size(); ++i) {
    if (statistics.entries[i].count == 0) statistics.entries[i] = train_survey_.statistics.entries[i];
  }
  learner.SetStatistics(std::move(statistics));
}

}  // namespace polyscene
