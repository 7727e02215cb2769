#include "model/offline/model_training.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/offline/loss_sums.h"
#include "model/offline/train_report.h"
#include "model/report/interrupt.h"
#include "model/serving/row_scorer.h"

namespace polyscene {
namespace {

constexpr double kPointsPerRun = 200;  // About as many as a curve has pixels to show.

// Gathers the losses of many steps into one point of a curve.
class LossPoints {
 public:
  // rows_an_epoch: in the run's epochs, `epochs` of them.
  LossPoints(const ModelSpec& spec, double rows_an_epoch, int epochs)
      : spec_(spec),
        rows_an_epoch_(rows_an_epoch),
        rows_a_point_(rows_an_epoch * epochs / kPointsPerRun),
        sums_(spec) {}

  void BeginEpoch(int epoch) {
    epochs_before_ = epoch - 1;
    BeginPoint(0);
  }

  void Add(const LearnedStep& step) {
    if (!step.report.passed_over) sums_.Add(step.report.task_losses, step.examples.labels);
    rows_ = static_cast<double>(step.rows);
  }

  bool full() const { return rows_ - rows_before_ >= rows_a_point_; }
  bool empty() const { return rows_ == rows_before_; }

  LossPoint Take() {
    LossPoint point;
    point.epochs = epochs_before_ + rows_ / rows_an_epoch_;
    point.loss = sums_.Joint();
    point.task_losses = sums_.Means();
    point.rows_per_second = (rows_ - rows_before_) / absl::ToDoubleSeconds(absl::Now() - since_);
    BeginPoint(rows_);
    return point;
  }

 private:
  void BeginPoint(double rows) {
    sums_ = LossSums(spec_);
    rows_before_ = rows_ = rows;
    since_ = absl::Now();
  }

  const ModelSpec& spec_;
  const double rows_an_epoch_;
  const double rows_a_point_;
  LossSums sums_;
  double epochs_before_ = 0;
  double rows_ = 0;         // Learned of this epoch.
  double rows_before_ = 0;  // Of them, before this point.
  absl::Time since_;
};

}  // namespace

ModelTraining::ModelTraining(std::shared_ptr<const ModelSpec> spec, const LearnerOptions& options,
                             const TrainFlags& flags, const TrainingRows& rows, OfflineLearner& learner,
                             RunContext& context, std::string title)
    : spec_(std::move(spec)),
      options_(options),
      flags_(flags),
      rows_(rows),
      learner_(learner),
      context_(context),
      title_(title.empty() ? "" : title + "  ") {}

absl::Status ModelTraining::Train(uint64_t seed, const std::function<void(const std::string&)>& on_epoch) {
  EpochOptions options;
  options.batch_rows = flags_.batch_size > 0 ? flags_.batch_size : spec_->file().learning().step_rows();
  options.shuffle_rows = std::min(flags_.shuffle_buffer, rows_.train_rows());
  options.seed = seed;
  EpochTrainer trainer(spec_, options_.key, rows_.train(), options, learner_);
  const double all_rows = static_cast<double>(rows_.train_rows()) * flags_.epochs;
  double rows_before = 0;
  LossPoints points(*spec_, static_cast<double>(rows_.train_rows()), flags_.epochs);
  for (TrainingObserver* observer : observers_) observer->OnBegin(learner_);
  const auto tell_losses = [&] {
    const LossPoint point = points.Take();
    for (TrainingObserver* observer : observers_) observer->OnLosses(point, learner_);
  };
  context_.progress().StartClock(absl::Now());
  for (int epoch = 1; epoch <= flags_.epochs; ++epoch) {
    context_.progress().Begin(absl::StrCat(title_, "epoch ", epoch, "/", flags_.epochs));
    points.BeginEpoch(epoch);
    const absl::StatusOr<EpochReport> report = trainer.Run([&](const LearnedStep& step) {
      const auto rows = static_cast<double>(step.rows);
      context_.progress().Update(step.rows, (rows_before + rows) / all_rows, absl::Now());
      points.Add(step);
      if (points.full()) tell_losses();
      return !Interrupted();
    });
    if (!report.ok()) return report.status();
    if (!points.empty()) tell_losses();
    epochs_.push_back(*report);
    seconds_ += report->seconds;
    rows_before += static_cast<double>(report->rows);
    context_.progress().Clear();
    on_epoch(title_ + EpochLine(*spec_, *report, epoch, flags_.epochs));
    for (TrainingObserver* observer : observers_) observer->OnEpoch(epoch, *report, learner_);
    if (report->stopped) break;
    if (observers_.empty() || epoch == flags_.epochs || rows_.test().paths.empty()) continue;
    const absl::Status evaluated = Evaluate().status();
    if (absl::IsCancelled(evaluated)) break;
    if (!evaluated.ok()) return evaluated;
  }
  return absl::OkStatus();
}

absl::StatusOr<FileEvaluation> ModelTraining::Evaluate() {
  const auto scorer = CreateRowScorer(spec_, options_.key, options_.device, options_.threads);
  if (!scorer.ok()) return scorer.status();
  context_.progress().Begin(title_ + "scoring the test rows");
  absl::StatusOr<FileEvaluation> evaluation =
      EvaluateFiles(spec_, options_.key, rows_.test(), learner_, **scorer, nullptr, [this](int64_t rows) {
        const double fraction = static_cast<double>(rows) / static_cast<double>(rows_.test_rows());
        context_.progress().Update(rows, fraction, absl::Now());
        return !Interrupted();
      });
  context_.progress().Clear();
  if (!evaluation.ok()) return evaluation;
  for (TrainingObserver* observer : observers_) {
    observer->OnEvaluation(static_cast<double>(epochs_.size()), *evaluation, learner_);
  }
  return evaluation;
}

int64_t ModelTraining::rows_learned() const {
  int64_t rows = 0;
  for (const EpochReport& epoch : epochs_) rows += epoch.rows;
  return rows;
}

}  // namespace polyscene
