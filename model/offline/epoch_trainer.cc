#include "model/offline/epoch_trainer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/embedding/initial_row.h"
#include "model/offline/loss_sums.h"
#include "model/offline/row_encoder.h"
#include "model/offline/shuffle_buffer.h"

namespace polyscene {
namespace {

// Fills a buffer from files: what does not fit waits for the next time.
class BufferFiller {
 public:
  BufferFiller(std::shared_ptr<const ModelSpec> spec, const HashKey& key, std::unique_ptr<ExampleRows> rows,
               const OfflineLearner& learner)
      : source_(std::move(rows)),
        encoder_(std::move(spec), key, learner.counters().rows_learned),
        statistics_(learner.statistics()) {}

  absl::Status Fill(ShuffleBuffer& buffer) {
    while (buffer.room() > 0 && !ended_) {
      if (begin_ == rows_.rows()) {
        const absl::StatusOr<bool> more = source_->Next(&chunk_);
        if (!more.ok()) return more.status();
        ended_ = !*more;
        if (ended_) break;
        encoder_.EncodeLearned(statistics_, chunk_, rows_);
        begin_ = 0;
      }
      const int64_t end = std::min(rows_.rows(), begin_ + buffer.room());
      buffer.Add(rows_, begin_, end);
      begin_ = end;
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<ExampleRows> source_;
  RowEncoder encoder_;
  const FeatureStatistics& statistics_;
  ExampleChunk chunk_;
  EncodedExamples rows_;
  int64_t begin_ = 0;  // Of rows_ not added yet.
  bool ended_ = false;
};

}  // namespace

EpochTrainer::EpochTrainer(std::shared_ptr<const ModelSpec> spec, HashKey key, RowSelection selection,
                           EpochOptions options, OfflineLearner& learner)
    : spec_(std::move(spec)), key_(key), selection_(std::move(selection)), options_(options), learner_(learner) {}

absl::StatusOr<EpochReport> EpochTrainer::Run(const std::function<bool(const LearnedStep&)>& after_step) {
  const absl::Time start = absl::Now();
  // Another order in every epoch, and in every run that goes on from a checkpoint.
  uint64_t seed = options_.seed;
  seed = SplitMix64(seed) + learner_.counters().step;
  ShuffleBuffer buffer(*spec_, std::max(options_.shuffle_rows, options_.batch_rows), seed);
  absl::StatusOr<std::unique_ptr<ExampleRows>> rows = OpenRows(spec_, key_, selection_, nullptr);
  if (!rows.ok()) return rows.status();
  BufferFiller filler(spec_, key_, *std::move(rows), learner_);
  LossSums losses(*spec_);
  EpochReport report;
  EncodedExamples step;
  while (!report.stopped) {
    if (absl::Status status = filler.Fill(buffer); !status.ok()) return status;
    if (buffer.rows() == 0) break;
    buffer.Take(options_.batch_rows, step);
    const absl::StatusOr<StepReport> learned = learner_.LearnEncoded(step);
    if (!learned.ok()) return learned.status();
    if (learned->passed_over) {
      ++report.steps_passed_over;
    } else {
      losses.Add(learned->task_losses, step.labels);
    }
    report.rows += learned->rows;
    report.stopped = !after_step({report.rows, *learned, step});
  }
  report.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  report.loss = losses.Joint();
  report.task_losses = losses.Means();
  return report;
}

}  // namespace polyscene
