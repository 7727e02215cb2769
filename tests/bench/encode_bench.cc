// What a row costs before and after the network: encoding its columns, and adding its answer to the evaluation.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "model/data/columns.h"
#include "model/evaluation/evaluation.h"
#include "model/feature/encoder.h"
#include "model/feature/validation.h"
#include "model/spec/model_spec.h"

namespace polyscene {
namespace {

constexpr int kCategorical = 20;
constexpr int kContextCategorical = 8;
constexpr int kNumeric = 10;
constexpr int kContextNumeric = 4;

// The reference model's features: 20 categorical, every fourth of them strings, and 10 numeric.
std::shared_ptr<const ModelSpec> ReferenceSpec() {
  std::string text = "name: \"reference\" network { shared_bottom { hidden: [4] } }\n";
  for (int i = 0; i < kCategorical; ++i) {
    absl::StrAppend(&text, "features { name: \"c", i, "\" side: ", i < kContextCategorical ? "CONTEXT" : "CANDIDATE",
                    " type: ", i % 4 == 3 ? "STRING" : "INT64", " encode { hash { embedding { dimension: 16 } } } }\n");
  }
  for (int i = 0; i < kNumeric; ++i) {
    absl::StrAppend(&text, "features { name: \"n", i, "\" side: ", i < kContextNumeric ? "CONTEXT" : "CANDIDATE",
                    " type: FLOAT encode { numeric { log1p: ", i % 2 == 1 ? "true" : "false", " } } }\n");
  }
  absl::StrAppend(&text, "scenes { name: \"search\" tasks: \"click\" } tasks { name: \"click\" binary {} }\n");
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(text, "reference");
  if (!spec.ok()) {
    std::fprintf(stderr, "%s\n", spec.status().ToString().c_str());
    std::abort();
  }
  return *std::move(spec);
}

enum class Features { kAll, kContext, kCandidate };

Table RandomTable(const ModelSpec& spec, Features wanted, int64_t rows) {
  std::mt19937_64 random(1);
  Table table;
  table.rows = rows;
  for (const FeatureSpec& feature : spec.features()) {
    if (wanted != Features::kAll && feature.candidate != (wanted == Features::kCandidate)) continue;
    Column& column = table.Add(feature.name, feature.type);
    for (int64_t row = 0; row < rows; ++row) {
      if (feature.type == ValueType::kInt64) column.ints.push_back(static_cast<int64_t>(random() % 1000000));
      if (feature.type == ValueType::kFloat) column.floats.push_back(static_cast<float>(random() % 1000));
      if (feature.type == ValueType::kString) column.strings.push_back(absl::StrCat("value-", random() % 100000));
      if (row % 10 == 9) column.missing.push_back(static_cast<uint32_t>(row));
    }
  }
  return table;
}

FeatureStatistics SomeStatistics(const ModelSpec& spec) {
  FeatureStatistics statistics(spec.statistics_count());
  for (RunningStatistics& entry : statistics.entries) {
    for (int i = 0; i < 100; ++i) entry.Add(i);
  }
  return statistics;
}

void RowsProcessed(benchmark::State& state, int64_t rows) { state.SetItemsProcessed(state.iterations() * rows); }

void BM_EncodeRows(benchmark::State& state) {
  const std::shared_ptr<const ModelSpec> spec = ReferenceSpec();
  const FeatureEncoder encoder(spec, HashKey());
  const FeatureStatistics statistics = SomeStatistics(*spec);
  const Table table = RandomTable(*spec, Features::kAll, state.range(0));
  const TableView view = table.View();
  EncodedBatch batch;
  for (auto _ : state) {
    batch.Clear();
    encoder.AppendRows(statistics, 0, view, 0, view.rows, batch);
    benchmark::DoNotOptimize(batch.dense.data());
  }
  RowsProcessed(state, view.rows);
}
BENCHMARK(BM_EncodeRows)->Arg(100)->Arg(500)->Arg(4096);

void BM_EncodeRequest(benchmark::State& state) {
  const std::shared_ptr<const ModelSpec> spec = ReferenceSpec();
  const FeatureEncoder encoder(spec, HashKey());
  const FeatureStatistics statistics = SomeStatistics(*spec);
  const Table context = RandomTable(*spec, Features::kContext, 1);
  const Table candidates = RandomTable(*spec, Features::kCandidate, state.range(0));
  const TableView context_view = context.View();
  const TableView candidate_view = candidates.View();
  EncodedBatch batch;
  for (auto _ : state) {
    batch.Clear();
    encoder.AppendRequest(statistics, 0, context_view, candidate_view, batch);
    benchmark::DoNotOptimize(batch.dense.data());
  }
  RowsProcessed(state, candidate_view.rows);
}
BENCHMARK(BM_EncodeRequest)->Arg(100)->Arg(500)->Arg(4096);

void BM_Observe(benchmark::State& state) {
  const std::shared_ptr<const ModelSpec> spec = ReferenceSpec();
  const FeatureEncoder encoder(spec, HashKey());
  FeatureStatistics statistics = SomeStatistics(*spec);
  const Table table = RandomTable(*spec, Features::kAll, state.range(0));
  const TableView view = table.View();
  for (auto _ : state) encoder.Observe(0, view, 0, view.rows, statistics);
  RowsProcessed(state, view.rows);
}
BENCHMARK(BM_Observe)->Arg(500);

void BM_ValidateRequest(benchmark::State& state) {
  const std::shared_ptr<const ModelSpec> spec = ReferenceSpec();
  const Table context = RandomTable(*spec, Features::kContext, 1);
  const Table candidates = RandomTable(*spec, Features::kCandidate, state.range(0));
  const TableView context_view = context.View();
  const TableView candidate_view = candidates.View();
  for (auto _ : state) {
    const absl::Status status = ValidateRequest(*spec, spec->scenes()[0], context_view, candidate_view, 10000);
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  }
  RowsProcessed(state, candidate_view.rows);
}
BENCHMARK(BM_ValidateRequest)->Arg(100)->Arg(500);

EvaluationLayout OneTask(EvaluatedKind kind, int outputs, int label_width) {
  EvaluationLayout layout;
  layout.scenes = {"search"};
  layout.tasks = {{"task", kind, outputs, label_width}};
  layout.scene_tasks = {{0}};
  return layout;
}

// Adds rows of random probabilities, as a trained click model has them, or values.
void AddRows(benchmark::State& state, EvaluatedKind kind, int outputs, int label_width) {
  constexpr int kRows = 4096;
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> predictions;
  std::vector<float> labels;
  for (int i = 0; i < kRows * outputs; ++i) predictions.push_back(1 / (1 + std::exp(3 - normal(random))));
  for (int i = 0; i < kRows * label_width; ++i) labels.push_back(static_cast<float>(random() % 2));
  Evaluation evaluation(OneTask(kind, outputs, label_width));
  for (auto _ : state) {
    for (int row = 0; row < kRows; ++row) {
      evaluation.Add(0, 0, absl::MakeConstSpan(predictions).subspan(row * outputs, outputs),
                     absl::MakeConstSpan(labels).subspan(row * label_width, label_width));
    }
  }
  RowsProcessed(state, kRows);
}

void BM_EvaluateBinary(benchmark::State& state) { AddRows(state, EvaluatedKind::kBinary, 1, 1); }
void BM_EvaluateMultiClass(benchmark::State& state) { AddRows(state, EvaluatedKind::kMultiClass, 10, 1); }
void BM_EvaluateRegression(benchmark::State& state) { AddRows(state, EvaluatedKind::kRegression, 1, 1); }
void BM_EvaluateForecast(benchmark::State& state) { AddRows(state, EvaluatedKind::kForecast, 7, 7); }
BENCHMARK(BM_EvaluateBinary);
BENCHMARK(BM_EvaluateMultiClass);
BENCHMARK(BM_EvaluateRegression);
BENCHMARK(BM_EvaluateForecast);

}  // namespace
}  // namespace polyscene
