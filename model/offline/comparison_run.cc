#include "model/offline/comparison_run.h"

#include <filesystem>
#include <limits>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "model/offline/model_training.h"
#include "model/offline/peak_memory.h"
#include "model/offline/report_page.h"
#include "model/offline/run_curves.h"
#include "model/offline/tensorboard_log.h"
#include "model/report/interrupt.h"
#include "model/report/new_file.h"
#include "model/report/text_table.h"
#include "model/spec/model_size.h"

namespace polyscene {
namespace {

// The same model with other first weights.
absl::StatusOr<std::shared_ptr<const ModelSpec>> Reseeded(const ModelSpec& spec, int run) {
  v1::ModelFile file = spec.file();
  file.set_seed(file.seed() + static_cast<uint64_t>(run));
  return ModelSpec::Create(std::move(file));
}

// A folder of its own a run: TensorBoard calls runs by their folders.
std::filesystem::path TensorboardFolder(const std::string& directory, const std::string& label, int run) {
  const std::string name = absl::StrReplaceAll(label, {{"/", "_"}});
  return std::filesystem::path(directory) / absl::StrCat(name, ".run", run + 1);
}

}  // namespace

ComparisonRun::ComparisonRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log)
    : flags_(flags), sources_(sources), out_(out), log_(log), context_(flags, log) {}

absl::Status ComparisonRun::Run() {
  if (!flags_.report.empty()) {
    if (absl::Status status = ExpectNewFile("--report", flags_.report); !status.ok()) return status;
  }
  LoadModels();
  if (absl::Status status = CheckAgreement(); !status.ok()) return status;
  for (size_t m = 0; m < models_.size() && !interrupted_; ++m) {
    if (specs_[m] == nullptr) continue;
    const absl::Status status = Compare(m);
    interrupted_ = Interrupted();
    if (status.ok() || interrupted_) continue;
    models_[m].error = std::string(status.message());
    context_.Tell(absl::StrCat(models_[m].path, " failed: ", models_[m].error));
    if (failure_.ok()) failure_ = absl::Status(status.code(), absl::StrCat(models_[m].path, ": ", status.message()));
  }
  if (absl::Status status = Report(); !status.ok()) return status;
  if (interrupted_) return absl::AbortedError("interrupted; the runs that were finished are told");
  return failure_;
}

void ComparisonRun::LoadModels() {
  const std::vector<std::string> labels = ShortLabels(flags_.compare);
  for (size_t m = 0; m < flags_.compare.size(); ++m) {
    ComparedModel& model = models_.emplace_back();
    model.path = flags_.compare[m];
    model.label = labels[m];
    const auto spec = ModelSpec::Load(model.path);
    specs_.push_back(spec.ok() ? *spec : nullptr);
    if (!spec.ok()) {
      model.error = std::string(spec.status().message());
      context_.Tell(absl::StrCat(model.path, " is left out: ", model.error));
      if (failure_.ok()) failure_ = spec.status();
      continue;
    }
    model.name = (*spec)->file().name();
    model.fingerprint = (*spec)->fingerprint_hex();
    model.parameters = SizeOf(**spec).parameters;
  }
}

absl::Status ComparisonRun::CheckAgreement() {
  std::vector<NamedModel> read;
  for (size_t m = 0; m < models_.size(); ++m) {
    if (specs_[m] != nullptr) read.push_back({models_[m].path, specs_[m]});
  }
  std::vector<std::string> wrong;
  for (size_t m = 1; m < read.size(); ++m) {
    for (std::string& line : Disagreements(read[0], read[m])) wrong.push_back(std::move(line));
    for (const std::string& line : Omissions(read[0], read[m])) context_.Tell(line);
  }
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--compare: the model files read the same data in different ways, so their figures would not be of the same\n  ",
      absl::StrJoin(wrong, "\n  ")));
}

absl::Status ComparisonRun::Compare(size_t m) {
  const std::shared_ptr<const ModelSpec>& spec = specs_[m];
  ComparedModel& model = models_[m];
  context_.Tell(absl::StrCat("model file ", m + 1, " of ", models_.size(), ": ", model.path));
  RunContext context(flags_, log_);  // Its own: what is refused is refused for this model.
  const absl::StatusOr<LearnerOptions> options = context.Prepare(*spec);
  if (!options.ok()) return options.status();
  TrainingRows rows(spec, options->key, flags_, sources_);
  if (absl::Status status = rows.CheckFiles(context); !status.ok()) return status;
  if (absl::Status status = rows.Survey(context); !status.ok()) return status;
  model.train_rows = rows.train_rows();
  model.test_rows = rows.test_rows();
  AddRefused(context.refused(), page_);
  for (int run = 0; run < flags_.seeds; ++run) {
    absl::StatusOr<ComparedRun> compared = RunOnce(m, run, *options, rows, context);
    if (!compared.ok()) return compared.status();
    model.runs.push_back(*std::move(compared));
  }
  return absl::OkStatus();
}

absl::StatusOr<ComparedRun> ComparisonRun::RunOnce(size_t m, int run, const LearnerOptions& options,
                                                   const TrainingRows& rows, RunContext& context) {
  const ComparedModel& model = models_[m];
  BeginPeakMemory();
  const absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = Reseeded(*specs_[m], run);
  if (!spec.ok()) return spec.status();
  const auto learner = CreateOfflineLearner(*spec, options);
  if (!learner.ok()) return learner.status();
  rows.SetStatistics(**learner);
  ModelTraining training(*spec, options, flags_, rows, **learner, context,
                         absl::StrCat(model.label, " run ", run + 1, "/", flags_.seeds));
  std::unique_ptr<TensorboardLog> tensorboard;
  if (!flags_.tensorboard.empty()) {
    auto log = TensorboardLog::Create(TensorboardFolder(flags_.tensorboard, model.label, run), *spec);
    if (!log.ok()) return log.status();
    tensorboard = *std::move(log);
    training.AddObserver(*tensorboard);
  }
  RunCurves curves(specs_[m]);
  if (!flags_.report.empty() && run == 0) training.AddObserver(curves);
  ComparedRun result;
  result.seed = flags_.seed + static_cast<uint64_t>(run);
  absl::Status status = training.Train(result.seed, [&](const std::string& line) { context.progress().Message(line); });
  if (!status.ok()) return status;
  if (Interrupted()) return absl::CancelledError("interrupted");
  result.test_loss = std::numeric_limits<double>::quiet_NaN();
  if (!rows.test().paths.empty()) {
    absl::StatusOr<FileEvaluation> evaluation = training.Evaluate();
    if (!evaluation.ok()) return evaluation.status();
    result.figures = std::move(evaluation->figures);
    result.test_loss = evaluation->loss;
  }
  result.rows_learned = static_cast<uint64_t>(training.rows_learned());
  result.seconds = training.seconds();
  for (const TableRows& table : (*learner)->tables()) result.table_rows += table.rows;
  result.peak_memory_bytes = MeasuredPeakMemory();
  if (run == 0) page_.models.push_back(curves.Model(model.path, model.label));
  if (tensorboard != nullptr) {
    if (absl::Status status = tensorboard->Finish(); !status.ok()) return status;
  }
  return result;
}

absl::Status ComparisonRun::Report() {
  const absl::Status page = flags_.report.empty() ? absl::OkStatus() : WritePage();
  if (!flags_.json) {
    out_ << ComparisonText(models_);
    if (!flags_.report.empty() && page.ok()) out_ << "report " << flags_.report << "\n";
    out_ << std::flush;
    return page;
  }
  Json json;
  json["interrupted"] = interrupted_;
  if (!flags_.report.empty() && page.ok()) json["report"] = flags_.report;
  json.update(ComparisonJson(models_));
  out_ << json.dump() << std::endl;
  return page;
}

absl::Status ComparisonRun::WritePage() const {
  std::vector<std::string> labels;
  for (const ComparedModel& model : models_) labels.push_back(model.label);
  HtmlReport report = NewReport(flags_, absl::StrCat("Comparison of ", absl::StrJoin(labels, ", ")), interrupted_);
  report.facts = {{"model files", absl::StrCat(models_.size())},
                  {"runs of each", absl::StrCat(flags_.seeds)},
                  {"epochs", absl::StrCat(flags_.epochs)}};
  for (const ComparedModel& model : models_) {
    if (model.runs.empty()) continue;
    report.facts.emplace_back("training rows", WithThousands(model.train_rows));
    report.facts.emplace_back("test rows", WithThousands(model.test_rows));
    break;
  }
  report.models = page_.models;
  report.refused = page_.refused;
  report.refused_rows = page_.refused_rows;
  report.comparison = models_;
  return WriteReport(flags_, report);
}

}  // namespace polyscene
