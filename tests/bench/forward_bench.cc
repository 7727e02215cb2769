// The forward of the reference model, one thread, encoding and gather included: LibTorch's, and what the server gets,
// by number of candidates; and beside them the time that the products alone would take at the peak rate of plain
// matrix products, measured in the same turns.
//
//   forward_bench [SECONDS [CONTEXT_IDS CONTEXT_NUMBERS]]
//
// SECONDS (0.15) is the length of a window; there are 12 pairs at each size. CONTEXT_IDS (8) and CONTEXT_NUMBERS (4):
// how many of the model's 20 categorical and 10 numeric features are the context's.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/feature/encoder.h"
#include "model/serving/torch_snapshot.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/alternate.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/matrix_product.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int64_t kSizes[] = {1, 100, 500, 4096};
constexpr int kRequests = 32;  // Of each size, so that their embedding rows do not stay in the nearest cache.
constexpr double kBf16Tolerance = 2e-3;

// A way to score, with the weights that it scores.
struct Forward {
  std::string name;
  std::shared_ptr<const ModelSpec> spec;
  std::shared_ptr<const Snapshot> snapshot;
  std::unique_ptr<Predictor> predictor;

  std::vector<ScoreResult> Score(const ScoreRequest& request) const {
    return Check(predictor->Score(*snapshot, absl::MakeConstSpan(&request, 1)));
  }
};

Forward MakeForward(std::string name, std::shared_ptr<const ModelSpec> spec) {
  const std::unique_ptr<Learner> learner = LearnedReference(spec);
  return {std::move(name), spec, Check(learner->MakeSnapshot(1, 0)), Check(CreatePredictor(spec, HashKey(), "cpu"))};
}

// The first is the reference. A name ends in "bf16" where scores may differ by that.
std::vector<Forward> MakeForwards(ContextShare share) {
  std::vector<Forward> forwards;
  forwards.push_back(MakeForward("LibTorch eager", ReferenceSpec(share, [](v1::ModelFile& file) {
                                   file.mutable_serving()->set_forward(v1::Serving::LIBTORCH);
                                 })));
  forwards.push_back(MakeForward("served fp32", ReferenceSpec(share)));
  if (HasInstructions(kBf16Instructions))
    forwards.push_back(MakeForward("served bf16", ReferenceSpec(share, ServeBf16)));
  return forwards;
}

double LargestDifference(const Forward& a, const Forward& b,
                         const std::vector<std::unique_ptr<OwnedRequest>>& requests) {
  double largest = 0;
  for (const auto& request : requests) {
    const std::vector<ScoreResult> of_a = a.Score(request->request());
    const std::vector<ScoreResult> of_b = b.Score(request->request());
    for (size_t t = 0; t < of_a[0].tasks.size(); ++t) {
      for (size_t i = 0; i < of_a[0].tasks[t].values.size(); ++i) {
        const double difference = std::fabs(of_a[0].tasks[t].values[i] - of_b[0].tasks[t].values[i]);
        largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
      }
    }
  }
  return largest;
}

// What was measured at one number of candidates.
struct Measured {
  std::vector<Arm> arms;                   // One a forward.
  std::vector<double> limit;               // Seconds of each window.
  std::vector<double> largest_difference;  // Of each forward's scores and the reference's.
};

Measured Measure(const std::vector<Forward>& forwards, int64_t candidates, MatrixProduct& product, double seconds) {
  const auto requests = ReferenceRequests(forwards[0].spec, kRequests, candidates);
  Measured measured;
  for (const Forward& forward : forwards) {
    measured.largest_difference.push_back(LargestDifference(forwards[0], forward, requests));
    measured.arms.emplace_back(forward.name, [&forward, &requests, next = size_t{0}]() mutable {
      forward.Score(requests[next++ % requests.size()]->request());
    });
  }
  const FeatureEncoder encoder(forwards[0].spec, HashKey());
  EncodedBatch batch;
  measured.arms.emplace_back("encoding alone", [&, next = size_t{0}]() mutable {
    const OwnedRequest& request = *requests[next++ % requests.size()];
    batch.Clear();
    encoder.AppendRequest(static_cast<const TorchSnapshot&>(*forwards[0].snapshot).statistics(), 0, request.context(),
                          request.candidates(), batch);
  });
  measured.arms.emplace_back("matrix product", [&product] { product.Multiply(); });
  Alternate(measured.arms, {.seconds = seconds});
  const double operations = SplitOperations(*forwards[0].spec, candidates);
  for (const double of_product : measured.arms.back().windows) {
    measured.limit.push_back(of_product * operations / product.shape().operations());
  }
  return measured;
}

void Print(const Measured& measured, int64_t candidates, double product_operations) {
  std::printf("%lld candidates:", static_cast<long long>(candidates));
  for (const Arm& arm : measured.arms) std::printf(" %s %.1f us,", arm.name.c_str(), 1e6 * Median(arm.seconds));
  std::printf(" limit %.1f us (%.1f GF/s)\n", 1e6 * Median(measured.limit),
              1e-9 * product_operations / Median(measured.arms.back().seconds));
  std::fflush(stdout);
}

void PrintRows(const std::vector<Forward>& forwards, const Measured& measured, int64_t candidates) {
  const bool many = candidates == 500;
  const Target fp32 = AtLeast(many ? 2.7 : 3.0, "x");
  const Target bf16 = AtLeast(many ? 5.0 : 5.5, "x");
  const auto row_name = [&](const char* precision) {
    return absl::StrFormat("forward %s over LibTorch eager, %d candidates", precision, candidates);
  };
  const auto times_faster = [&](size_t i) {
    return IntervalOf(Ratios(measured.arms[0].windows, measured.arms[i].windows));
  };
  bool has_bf16 = false;
  for (size_t i = 1; i < forwards.size(); ++i) {
    const double difference = measured.largest_difference[i];
    const std::string note = absl::StrFormat("scores differ by at most %.1e", difference);
    if (!absl::EndsWith(forwards[i].name, "bf16")) {
      PrintFigure(row_name("fp32"), times_faster(i), fp32, note);
      continue;
    }
    has_bf16 = true;
    if (difference > kBf16Tolerance) {
      PrintRow(row_name("bf16"), absl::StrCat(FigureText(times_faster(i), "x"), "; ", note), TargetText(bf16), "short");
    } else {
      PrintFigure(row_name("bf16"), times_faster(i), bf16, note);
    }
  }
  if (!has_bf16) {
    PrintSkipped(row_name("bf16"), bf16, "the processor has no bf16");
  }
  if (many) {
    PrintFigure("forward fp32 over its arithmetic limit, 500 candidates",
                IntervalOf(Ratios(measured.arms[1].windows, measured.limit)), AtMost(1.15, "x"));
  }
}

int Run(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.15;
  ContextShare share;
  if (argc > 3) share = {std::atoi(argv[2]), std::atoi(argv[3])};
  PrintMachine();
  std::printf("%s\n", DescribeBackend().c_str());
  const std::vector<Forward> forwards = MakeForwards(share);
  const ModelSpec& spec = *forwards[0].spec;
  std::printf("%d ids and %d numbers of context: %.3f MFLOP a row, %.3f with the context computed once\n", share.ids,
              share.numbers, 1e-6 * FullOperations(spec, 1),
              1e-6 * (SplitOperations(spec, 2) - SplitOperations(spec, 1)));
  const std::unique_ptr<MatrixProduct> product = FastestProduct();
  for (const int64_t candidates : kSizes) {
    const Measured measured = Measure(forwards, candidates, *product, seconds);
    Print(measured, candidates, product->shape().operations());
    if (candidates == 100 || candidates == 500) PrintRows(forwards, measured, candidates);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
