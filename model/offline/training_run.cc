#include "model/offline/training_run.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/offline/output_directory.h"
#include "model/offline/train_report.h"
#include "model/report/interrupt.h"
#include "model/report/new_file.h"
#include "model/report/text_table.h"
#include "model/serving/row_scorer.h"

namespace polyscene {

TrainingRun::TrainingRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log)
    : flags_(flags), sources_(sources), out_(out), context_(flags, log) {}

void TrainingRun::ChooseRows() {
  train_rows_.paths = flags_.train;
  if (!flags_.from_log.empty()) {
    train_rows_.paths = {flags_.from_log};
    train_rows_.open = [this](const RowSelection& selection, RefusedRows* refused) {
      return sources_.open_log(spec_, options_.key, selection, refused);
    };
  }
  if (flags_.split) {
    test_rows_ = train_rows_;
    train_rows_.until_micros = flags_.split_micros;
  } else {
    test_rows_.paths = flags_.test;
  }
  test_rows_.evaluated = true;
  test_rows_.from_micros = std::max(flags_.split_micros, flags_.evaluate_from_micros);
}

absl::Status TrainingRun::Run() {
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Load(flags_.model);
  if (!spec.ok()) return spec.status();
  spec_ = *std::move(spec);
  absl::StatusOr<LearnerOptions> options = context_.Prepare(*spec_);
  if (!options.ok()) return options.status();
  options_ = *std::move(options);
  ChooseRows();
  if (!flags_.export_to.empty()) {
    if (absl::Status status = ExpectNewFile("--export", flags_.export_to); !status.ok()) return status;
  }
  absl::StatusOr<std::filesystem::path> directory = PrepareOutputDirectory(flags_.out);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  if (absl::Status status = CheckFiles(); !status.ok()) return status;
  auto learner =
      flags_.from.empty() ? CreateOfflineLearner(spec_, options_) : LoadOfflineLearner(spec_, options_, flags_.from);
  if (!learner.ok()) return learner.status();
  learner_ = *std::move(learner);

  if (absl::Status status = SurveyAll(); !status.ok()) return status;
  ChooseStatistics();
  if (absl::Status status = Train(); !status.ok()) return status;
  if (polyscene::Interrupted()) return Interrupted();
  if (absl::Status status = SaveTrained(*learner_, directory_); !status.ok()) return status;
  if (!flags_.export_to.empty()) {
    const HalfWritten half_written(flags_.export_to + ".writing");
    if (absl::Status status = learner_->ExportWeights(flags_.export_to); !status.ok()) return status;
  }
  if (absl::Status status = Evaluate(); !status.ok()) return status;
  Report(/*interrupted=*/false);
  return absl::OkStatus();
}

absl::Status TrainingRun::CheckFiles() {
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
    context_.Tell(absl::StrCat(paths.front(), " has no column of ", absl::StrJoin(*absent, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileSurvey> TrainingRun::Survey(const char* what, const RowSelection& selection, RefusedRows* refused) {
  context_.progress().Begin(what);
  context_.progress().StartClock(absl::Now());
  return SurveyFiles(spec_, options_.key, selection, refused, [this](double fraction) {
    context_.progress().Update(-1, fraction, absl::Now());
    return !polyscene::Interrupted();
  });
}

absl::Status TrainingRun::SurveyAll() {
  absl::StatusOr<FileSurvey> train = Survey("reading the training rows", train_rows_, &context_.refused());
  if (!train.ok()) return train.status();
  train_survey_ = *std::move(train);
  if (!test_rows_.paths.empty()) {
    // With --split the same files were read a moment ago, and told of.
    RefusedRows* const refused = flags_.split ? nullptr : &context_.refused();
    absl::StatusOr<FileSurvey> test = Survey("reading the test rows", test_rows_, refused);
    if (!test.ok()) return test.status();
    test_survey_ = *std::move(test);
  }
  if (absl::Status status = context_.refused().Check(); !status.ok()) return status;
  context_.Tell(absl::StrCat(WithThousands(train_survey_.rows), " training rows, ", WithThousands(test_survey_.rows),
                             " test rows, ", WithThousands(context_.refused().count()), " refused"));
  return CheckLabels();
}

absl::Status TrainingRun::CheckLabels() {
  const std::string train = absl::StrJoin(train_rows_.paths, ", ");
  if (train_survey_.rows == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        train, ": no row to train on", flags_.split ? ", all are from --split on" : "", ", expected at least one"));
  }
  const std::string test = absl::StrJoin(test_rows_.paths, ", ");
  if (!test_rows_.paths.empty() && test_survey_.rows == 0) {
    const bool timed = flags_.split || flags_.evaluate_from_micros > 0;
    return absl::InvalidArgumentError(absl::StrCat(test, ": no row to evaluate",
                                                   timed ? ", all are before --split or --evaluate_from" : "",
                                                   ", expected at least one"));
  }
  if (!flags_.from_log.empty()) {
    for (size_t t = 0; t < spec_->tasks().size(); ++t) {
      if (train_survey_.labelled[t] > 0) continue;
      context_.Tell(absl::StrCat(flags_.from_log, " has no label of task '", spec_->tasks()[t].name, "'"));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<std::string>> absent = AbsentColumns(*spec_, train_rows_.paths.front());
  if (!absent.ok()) return absent.status();
  for (size_t t = 0; t < spec_->tasks().size(); ++t) {
    const std::string name = absl::StrCat("task '", spec_->tasks()[t].name, "'");
    const bool has_column = std::find(absent->begin(), absent->end(), name) == absent->end();
    if (!has_column || train_survey_.labelled[t] > 0) continue;  // A file without the column was told of.
    return absl::InvalidArgumentError(absl::StrCat(name, ": of the ", WithThousands(train_survey_.rows),
                                                   " training rows none has its label (column '",
                                                   absl::StrJoin(spec_->tasks()[t].columns, "', '"), "' in ", train,
                                                   "), so nothing could be learned of it; expected labels, or the task "
                                                   "out of the model file, or the column out of "
                                                   "the files to train the other tasks alone"));
  }
  return absl::OkStatus();
}

// Rows are encoded with what they will be served with. A checkpoint's weights were learned under its own statistics, so
// these stay; a feature that it has never seen is measured now.
void TrainingRun::ChooseStatistics() {
  FeatureStatistics statistics = learner_->statistics();
  for (size_t i = 0; i < statistics.entries.size(); ++i) {
    if (statistics.entries[i].count == 0) statistics.entries[i] = train_survey_.statistics.entries[i];
  }
  learner_->SetStatistics(std::move(statistics));
}

absl::Status TrainingRun::Train() {
  EpochOptions options;
  options.batch_rows = flags_.batch_size > 0 ? flags_.batch_size : spec_->file().learning().step_rows();
  options.shuffle_rows = std::min(flags_.shuffle_buffer, train_survey_.rows);
  options.seed = flags_.seed;
  EpochTrainer trainer(spec_, options_.key, train_rows_, options, *learner_);
  const double all_rows = static_cast<double>(train_survey_.rows) * flags_.epochs;
  double rows_before = 0;
  context_.progress().StartClock(absl::Now());
  for (int epoch = 1; epoch <= flags_.epochs; ++epoch) {
    context_.progress().Begin(absl::StrCat("epoch ", epoch, "/", flags_.epochs));
    const absl::StatusOr<EpochReport> report = trainer.Run([&](int64_t rows) {
      context_.progress().Update(rows, (rows_before + static_cast<double>(rows)) / all_rows, absl::Now());
      return !polyscene::Interrupted();
    });
    if (!report.ok()) return report.status();
    epochs_.push_back(*report);
    seconds_ += report->seconds;
    rows_before += static_cast<double>(report->rows);
    const std::string line = EpochLine(*spec_, *report, epoch, flags_.epochs);
    context_.progress().Clear();
    if (flags_.json) {
      context_.progress().Message(line);
    } else {
      out_ << line << std::endl;
    }
    if (report->stopped) break;
  }
  return absl::OkStatus();
}

absl::Status TrainingRun::Interrupted() {
  if (absl::Status status = SaveTrained(*learner_, directory_); !status.ok()) return status;
  Report(/*interrupted=*/true);
  const int64_t done = static_cast<int64_t>(epochs_.size()) - (epochs_.back().rows < train_survey_.rows ? 1 : 0);
  const int64_t left = std::max<int64_t>(flags_.epochs - done, 1);
  return absl::AbortedError(absl::StrCat("interrupted after ", WithThousands(epochs_.back().rows), " rows of epoch ",
                                         epochs_.size(), "; ", directory_.string(),
                                         " has what was learned. To go on: the same command with --from ",
                                         directory_.string(), " --epochs ", left, " and another --out"));
}

absl::Status TrainingRun::Evaluate() {
  if (test_rows_.paths.empty()) return absl::OkStatus();
  const auto scorer = CreateRowScorer(spec_, options_.key, options_.device, options_.threads);
  if (!scorer.ok()) return scorer.status();
  context_.progress().Begin("scoring the test rows");
  context_.progress().StartClock(absl::Now());
  absl::StatusOr<FileEvaluation> evaluation =
      EvaluateFiles(spec_, options_.key, test_rows_, *learner_, **scorer, nullptr, [this](int64_t rows) {
        const double fraction = static_cast<double>(rows) / static_cast<double>(test_survey_.rows);
        context_.progress().Update(rows, fraction, absl::Now());
        return !polyscene::Interrupted();
      });
  context_.progress().Clear();
  if (absl::IsCancelled(evaluation.status())) {
    Report(/*interrupted=*/true);
    return absl::AbortedError(absl::StrCat(evaluation.status().message(), "; ", directory_.string(),
                                           " has all that was learned. To evaluate it: polyscene-train --checkpoint ",
                                           directory_.string(), " --test FILE"));
  }
  if (!evaluation.ok()) return evaluation.status();
  evaluation_ = *std::move(evaluation);
  return absl::OkStatus();
}

void TrainingRun::Report(bool interrupted) {
  const LearnerCounters counters = learner_->counters();
  if (!flags_.json) {
    if (evaluation_.has_value()) out_ << EvaluationText(*spec_, *evaluation_);
    out_ << "checkpoint " << directory_.string() << std::endl;
    return;
  }
  Json json;
  json["interrupted"] = interrupted;
  json["checkpoint"] = directory_.string();
  if (!flags_.export_to.empty() && !interrupted) json["weights"] = flags_.export_to;
  json["epochs"] = Json::array();
  int64_t rows = 0;
  for (size_t i = 0; i < epochs_.size(); ++i) {
    json["epochs"].push_back(EpochJson(*spec_, epochs_[i], static_cast<int>(i) + 1));
    rows += epochs_[i].rows;
  }
  json["train_rows"] = train_survey_.rows;
  json["rows_rejected"] = context_.refused().count();
  json["seconds"] = JsonNumber(seconds_);
  json["rows_per_second"] = JsonNumber(static_cast<double>(rows) / seconds_);
  json["step"] = counters.step;
  json["rows_learned"] = counters.rows_learned;
  SetEvaluation(*spec_, evaluation_, json);
  out_ << json.dump() << std::endl;
}

}  // namespace polyscene
