// The learning step of the reference model on one core, over the one that is written on LibTorch's autograd with
// row-wise Adagrad by hand (support/autograd_step.h).
//
//   learning_step_bench [SECONDS [PAIRS]]        of a window, 0.5; 12 pairs
//
// Both learn the same batches of one scene, another one each step, whose ids are drawn evenly from a million rows that
// are all there. Ours finds rows by ids through the index, and watches for gradients that are not finite; the other one
// is given row numbers.
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_format.h"
#include "model/feature/encoder.h"
#include "model/learning/offline_learner.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/alternate.h"
#include "tests/bench/support/autograd_step.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int kBatches = 16;
constexpr int64_t kRowsOfTheTable = 1'024;  // Of the step that the target is about.

// One batch for either.
struct Batch {
  EncodedExamples ours;
  AutogradBatch theirs;
};

class Batches {
 public:
  explicit Batches(std::shared_ptr<const ModelSpec> spec)
      : spec_(std::move(spec)), encoder_(spec_, HashKey()), rows_(spec_, 5), statistics_(spec_->statistics_count()) {}

  Batch Make(int scene, const Table& table) {
    Batch batch;
    encoder_.AppendRows(statistics_, scene, table.View(), 0, table.rows, batch.ours.inputs);
    batch.ours.event_times_micros.assign(table.rows, 0);
    batch.ours.labels.resize(spec_->tasks().size());
    std::vector<torch::Tensor> labels;
    for (const int task : spec_->scenes()[scene].tasks) {
      const std::vector<float> values = Labels(table.rows);
      TaskLabels& of_task = batch.ours.labels[task];
      of_task.values = values;
      of_task.weights.assign(table.rows, 1.0f);
      of_task.weighted = table.rows;
      for (int64_t row = 0; row < table.rows; ++row) of_task.labelled.push_back(row);
      labels.push_back(torch::tensor(values));
    }
    for (TaskLabels& others : batch.ours.labels) {
      if (others.labelled.empty()) others = {std::vector<float>(table.rows), std::vector<float>(table.rows), {}, 0};
    }
    batch.theirs = {scene, RowNumbers(table), Numbers(table), torch::stack(labels)};
    return batch;
  }
  Batch Random(int scene, int64_t rows) { return Make(scene, rows_.Examples(rows)); }
  Batch Of(int64_t first_id, int64_t rows) { return Make(0, rows_.ExamplesOf(first_id, rows)); }

 private:
  std::vector<float> Labels(int64_t rows) {
    std::vector<float> labels(rows);
    for (float& label : labels) label = random_() % 4 == 0 ? 1.0f : 0.0f;
    return labels;
  }
  static torch::Tensor RowNumbers(const Table& table) {
    std::vector<torch::Tensor> columns;
    for (const Column& column : table.columns) {
      if (column.ints.empty()) continue;
      const auto first = static_cast<int64_t>(columns.size()) * kReferenceIds;
      columns.push_back(torch::tensor(column.ints, torch::kInt64) + first);
    }
    return torch::stack(columns, 1).contiguous();
  }
  static torch::Tensor Numbers(const Table& table) {
    std::vector<torch::Tensor> columns;
    for (const Column& column : table.columns) {
      if (!column.floats.empty()) columns.push_back(torch::tensor(column.floats));
    }
    return torch::stack(columns, 1).contiguous();
  }

  const std::shared_ptr<const ModelSpec> spec_;
  const FeatureEncoder encoder_;
  ReferenceRows rows_;
  FeatureStatistics statistics_;
  std::mt19937 random_;
};

struct Figures {
  MedianInterval ratio;  // Their time over ours.
  double ours = 0;       // Microseconds a step,
  double theirs = 0;
};

Figures Compare(OfflineLearner& learner, AutogradStep& autograd, Batches& batches, int64_t rows,
                const Windows& windows) {
  std::vector<Batch> made;
  for (int b = 0; b < kBatches; ++b) made.push_back(batches.Random(b % 3, rows));
  size_t ours = 0;
  size_t theirs = 0;
  std::vector<Arm> arms;
  arms.emplace_back("ours", [&] { Check(learner.LearnEncoded(made[ours++ % made.size()].ours).status()); });
  arms.emplace_back("autograd", [&] { autograd.Learn(made[theirs++ % made.size()].theirs); });
  Alternate(arms, windows);
  return {IntervalOf(Ratios(arms[1].windows, arms[0].windows)), 1e6 * Median(arms[0].windows),
          1e6 * Median(arms[1].windows)};
}

int Run(int argc, char** argv) {
  Windows windows;
  windows.seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  windows.pairs = argc > 2 ? std::atoi(argv[2]) : 12;
  PrintMachine();
  at::set_num_threads(1);
  const std::shared_ptr<const ModelSpec> spec = ReferenceSpec();
  const std::unique_ptr<OfflineLearner> learner = Check(CreateOfflineLearner(spec, LearnerOptions()));
  AutogradStep autograd(20 * kReferenceIds);
  Batches batches(spec);
  constexpr int64_t kPassRows = 4'096;
  for (int64_t id = 0; id < kReferenceIds; id += kPassRows) {
    Check(learner->LearnEncoded(batches.Of(id, std::min(kPassRows, kReferenceIds - id)).ours).status());
  }
  for (const int64_t rows : {int64_t{256}, kRowsOfTheTable, int64_t{4'096}}) {
    const Figures figures = Compare(*learner, autograd, batches, rows, windows);
    const std::string note = absl::StrFormat("steps of %d rows: %.0f rows a second against %.0f", rows,
                                             1e6 * static_cast<double>(rows) / figures.ours,
                                             1e6 * static_cast<double>(rows) / figures.theirs);
    if (rows == kRowsOfTheTable) {
      PrintFigure("learning step over LibTorch autograd and Adagrad by hand", figures.ratio, AtLeast(1.35, "x"), note);
    } else {
      std::printf("%s, %s\n", FigureText(figures.ratio, "x").c_str(), note.c_str());
    }
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
