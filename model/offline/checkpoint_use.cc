#include "model/offline/checkpoint_use.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/offline/file_evaluation.h"
#include "model/offline/score_file.h"
#include "model/offline/train_report.h"
#include "model/report/interrupt.h"
#include "model/report/new_file.h"
#include "model/report/text_table.h"

namespace polyscene {

CheckpointUse::CheckpointUse(const TrainFlags& flags, std::ostream& out, std::ostream& log)
    : flags_(flags), out_(out), context_(flags, log) {}

absl::Status CheckpointUse::Run() {
  absl::Status status = Load();
  if (status.ok() && !flags_.export_to.empty()) status = Export();
  if (status.ok() && !flags_.predict.empty()) status = Predict();
  if (status.ok() && !flags_.test.empty()) status = Evaluate();
  context_.progress().Clear();
  if (absl::IsCancelled(status)) return absl::AbortedError(absl::StrCat(status.message(), "; nothing was written"));
  if (!status.ok()) return status;
  if (flags_.json) out_ << json_.dump() << std::endl;
  return context_.refused().Check();
}

absl::Status CheckpointUse::Load() {
  // A model file that is given counts for what may differ from the checkpoint's: columns, ranking, weights.
  auto spec = flags_.model.empty() ? CheckpointModel(flags_.checkpoint) : ModelSpec::Load(flags_.model);
  if (!spec.ok()) return spec.status();
  spec_ = *std::move(spec);
  absl::StatusOr<LearnerOptions> options = context_.Prepare(*spec_);
  if (!options.ok()) return options.status();
  options_ = *std::move(options);
  auto learner = LoadOfflineLearner(spec_, options_, flags_.checkpoint);
  if (!learner.ok()) return learner.status();
  learner_ = *std::move(learner);
  auto scorer = CreateRowScorer(spec_, options_.key, options_.device, options_.threads);
  if (!scorer.ok()) return scorer.status();
  scorer_ = *std::move(scorer);
  const LearnerCounters counters = learner_->counters();
  context_.Tell(absl::StrCat("checkpoint ", flags_.checkpoint, " has learned ",
                             WithThousands(static_cast<long long>(counters.rows_learned)), " rows"));
  json_["checkpoint"] = flags_.checkpoint;
  json_["rows_learned"] = counters.rows_learned;
  return absl::OkStatus();
}

absl::Status CheckpointUse::Export() {
  if (absl::Status status = ExpectNewFile("--export", flags_.export_to); !status.ok()) return status;
  const HalfWritten half_written(flags_.export_to + ".writing");
  if (absl::Status status = learner_->ExportWeights(flags_.export_to); !status.ok()) return status;
  json_["weights"] = flags_.export_to;
  if (!flags_.json) out_ << "weights written to " << flags_.export_to << std::endl;
  return absl::OkStatus();
}

absl::Status CheckpointUse::Predict() {
  if (absl::Status status = ExpectNewFile("--out", flags_.out); !status.ok()) return status;
  const auto snapshot = learner_->MakeSnapshot(1, 0);
  if (!snapshot.ok()) return snapshot.status();
  const absl::Time start = absl::Now();
  context_.progress().Begin("scoring");
  context_.progress().StartClock(start);
  const absl::StatusOr<ScoredFile> scored =
      ScoreFile(spec_, options_.key, **snapshot, *scorer_, {flags_.predict, flags_.scene, flags_.out},
                context_.refused(), [this](int64_t rows, double fraction) {
                  context_.progress().Update(rows, fraction, absl::Now());
                  return !Interrupted();
                });
  if (!scored.ok()) return scored.status();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  json_["scores"] = flags_.out;
  json_["rows"] = scored->rows;
  json_["rows_rejected"] = scored->unscored;
  json_["seconds"] = JsonNumber(seconds);
  json_["rows_per_second"] = JsonNumber(static_cast<double>(scored->rows) / seconds);
  context_.progress().Clear();
  if (flags_.json) return absl::OkStatus();
  out_ << WithThousands(scored->rows) << " rows scored into " << flags_.out << " in " << ReadableSeconds(seconds);
  if (scored->unscored > 0) out_ << ", " << WithThousands(scored->unscored) << " of them without a score";
  out_ << std::endl;
  return absl::OkStatus();
}

absl::Status CheckpointUse::Evaluate() {
  RowSelection rows;
  rows.paths = flags_.test;
  rows.from_micros = flags_.evaluate_from_micros;
  if (absl::Status status = CheckSameColumns(*spec_, rows.paths); !status.ok()) return status;
  context_.progress().Begin("scoring the test rows");
  const auto evaluation = EvaluateFiles(spec_, options_.key, rows, *learner_, *scorer_, &context_.refused(),
                                        [](int64_t) { return !Interrupted(); });
  if (!evaluation.ok()) return evaluation.status();
  if (evaluation->rows == 0) {
    return absl::InvalidArgumentError("--test: no row to evaluate, expected at least one");
  }
  SetEvaluation(*spec_, *evaluation, json_);
  if (!flags_.json) out_ << EvaluationText(*spec_, *evaluation) << std::flush;
  return absl::OkStatus();
}

}  // namespace polyscene
