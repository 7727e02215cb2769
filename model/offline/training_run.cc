#include "model/offline/training_run.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "model/offline/output_directory.h"
#include "model/offline/report_page.h"
#include "model/offline/train_report.h"
#include "model/report/interrupt.h"
#include "model/report/new_file.h"
#include "model/report/text_table.h"
#include "model/spec/model_size.h"

namespace polyscene {

TrainingRun::TrainingRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log)
    : flags_(flags), sources_(sources), out_(out), context_(flags, log) {}

absl::Status TrainingRun::Run() {
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Load(flags_.model);
  if (!spec.ok()) return spec.status();
  spec_ = *std::move(spec);
  absl::StatusOr<LearnerOptions> options = context_.Prepare(*spec_);
  if (!options.ok()) return options.status();
  options_ = *std::move(options);
  rows_ = std::make_unique<TrainingRows>(spec_, options_.key, flags_, sources_);
  if (!flags_.export_to.empty()) {
    if (absl::Status status = ExpectNewFile("--export", flags_.export_to); !status.ok()) return status;
  }
  if (!flags_.report.empty()) {
    if (absl::Status status = ExpectNewFile("--report", flags_.report); !status.ok()) return status;
  }
  absl::StatusOr<std::filesystem::path> directory = PrepareOutputDirectory(flags_.out);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  if (absl::Status status = rows_->CheckFiles(context_); !status.ok()) return status;
  auto learner =
      flags_.from.empty() ? CreateOfflineLearner(spec_, options_) : LoadOfflineLearner(spec_, options_, flags_.from);
  if (!learner.ok()) return learner.status();
  learner_ = *std::move(learner);

  if (absl::Status status = rows_->Survey(context_); !status.ok()) return status;
  rows_->SetStatistics(*learner_);
  training_ = std::make_unique<ModelTraining>(spec_, options_, flags_, *rows_, *learner_, context_);
  if (absl::Status status = AddObservers(); !status.ok()) return status;
  if (absl::Status status = Train(); !status.ok()) return status;
  if (polyscene::Interrupted()) return Interrupted();
  if (absl::Status status = SaveTrained(*learner_, directory_); !status.ok()) return status;
  if (!flags_.export_to.empty()) {
    const HalfWritten half_written(flags_.export_to + ".writing");
    if (absl::Status status = learner_->ExportWeights(flags_.export_to); !status.ok()) return status;
  }
  if (absl::Status status = Evaluate(); !status.ok()) return status;
  if (absl::Status status = Report(/*interrupted=*/false); !status.ok()) return status;
  return tensorboard_ == nullptr ? absl::OkStatus() : tensorboard_->Finish();
}

absl::Status TrainingRun::AddObservers() {
  if (!flags_.tensorboard.empty()) {
    absl::StatusOr<std::unique_ptr<TensorboardLog>> log = TensorboardLog::Create(flags_.tensorboard, spec_);
    if (!log.ok()) return absl::Status(log.status().code(), absl::StrCat("--tensorboard: ", log.status().message()));
    tensorboard_ = *std::move(log);
    training_->AddObserver(*tensorboard_);
  }
  if (!flags_.report.empty()) {
    curves_ = std::make_unique<RunCurves>(spec_);
    training_->AddObserver(*curves_);
  }
  return absl::OkStatus();
}

absl::Status TrainingRun::Train() {
  return training_->Train(flags_.seed, [this](const std::string& line) {
    if (flags_.json) {
      context_.progress().Message(line);
    } else {
      out_ << line << std::endl;
    }
  });
}

absl::Status TrainingRun::Interrupted() {
  if (absl::Status status = SaveTrained(*learner_, directory_); !status.ok()) return status;
  if (absl::Status status = Report(/*interrupted=*/true); !status.ok()) return status;
  const std::vector<EpochReport>& epochs = training_->epochs();
  const int64_t done = static_cast<int64_t>(epochs.size()) - (epochs.back().rows < rows_->train_rows() ? 1 : 0);
  const int64_t left = std::max<int64_t>(flags_.epochs - done, 1);
  return absl::AbortedError(absl::StrCat("interrupted after ", WithThousands(epochs.back().rows), " rows of epoch ",
                                         epochs.size(), "; ", directory_.string(),
                                         " has what was learned. To go on: the same command with --from ",
                                         directory_.string(), " --epochs ", left, " and another --out"));
}

absl::Status TrainingRun::Evaluate() {
  if (rows_->test().paths.empty()) return absl::OkStatus();
  absl::StatusOr<FileEvaluation> evaluation = training_->Evaluate();
  if (absl::IsCancelled(evaluation.status())) {
    if (absl::Status status = Report(/*interrupted=*/true); !status.ok()) return status;
    return absl::AbortedError(absl::StrCat(evaluation.status().message(), "; ", directory_.string(),
                                           " has all that was learned. To evaluate it: polyscene-train --checkpoint ",
                                           directory_.string(), " --test FILE"));
  }
  if (!evaluation.ok()) return evaluation.status();
  evaluation_ = *std::move(evaluation);
  return absl::OkStatus();
}

absl::Status TrainingRun::Report(bool interrupted) {
  const absl::Status page = curves_ == nullptr ? absl::OkStatus() : WritePage(interrupted);
  const LearnerCounters counters = learner_->counters();
  if (!flags_.json) {
    if (evaluation_.has_value()) out_ << EvaluationText(*spec_, *evaluation_);
    out_ << "checkpoint " << directory_.string() << std::endl;
    if (curves_ != nullptr && page.ok()) out_ << "report " << flags_.report << std::endl;
    return page;
  }
  Json json;
  json["interrupted"] = interrupted;
  json["checkpoint"] = directory_.string();
  if (!flags_.export_to.empty() && !interrupted) json["weights"] = flags_.export_to;
  if (tensorboard_ != nullptr) json["tensorboard"] = tensorboard_->path().string();
  if (curves_ != nullptr && page.ok()) json["report"] = flags_.report;
  json["epochs"] = Json::array();
  const std::vector<EpochReport>& epochs = training_->epochs();
  for (size_t i = 0; i < epochs.size(); ++i) {
    json["epochs"].push_back(EpochJson(*spec_, epochs[i], static_cast<int>(i) + 1));
  }
  json["train_rows"] = rows_->train_rows();
  json["rows_rejected"] = context_.refused().count();
  json["seconds"] = JsonNumber(training_->seconds());
  json["rows_per_second"] = JsonNumber(static_cast<double>(training_->rows_learned()) / training_->seconds());
  json["step"] = counters.step;
  json["rows_learned"] = counters.rows_learned;
  SetEvaluation(*spec_, evaluation_, json);
  out_ << json.dump() << std::endl;
  return page;
}

absl::Status TrainingRun::WritePage(bool interrupted) const {
  HtmlReport report = NewReport(flags_, absl::StrCat("Training of ", spec_->file().name()), interrupted);
  uint64_t table_rows = 0;
  for (const TableRows& table : learner_->tables()) table_rows += table.rows;
  const auto rows = static_cast<double>(training_->rows_learned());
  report.facts = {{"training rows", WithThousands(rows_->train_rows())},
                  {"test rows", WithThousands(rows_->test_rows())},
                  {"epochs", absl::StrCat(training_->epochs().size(), " of ", flags_.epochs)},
                  {"rows learned", WithThousands(training_->rows_learned())},
                  {"training took", ReadableSeconds(training_->seconds())},
                  {"rows a second", WithThousands(std::llround(rows / training_->seconds()))},
                  {"dense weights", WithThousands(SizeOf(*spec_).parameters)},
                  {"table rows", WithThousands(static_cast<long long>(table_rows))}};
  if (evaluation_.has_value()) report.facts.emplace_back("weighted test loss", Readable(evaluation_->loss));
  report.files.push_back({"checkpoint", directory_.string()});
  AddRefused(context_.refused(), report);
  report.models.push_back(curves_->Model(flags_.model, ""));
  return WriteReport(flags_, report);
}

}  // namespace polyscene
