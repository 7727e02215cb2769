// Learns a CSV file in one pass, without server, log or network: rows a second, and the prequential evaluation.
//
//   learning_bench FILE.csv[.gz] MODEL.textproto [EVALUATE_FROM]
#include <chrono>
#include <cstdio>
#include <vector>

#include "model/data/event_reader.h"
#include "model/data/event_times.h"
#include "model/learning/learner.h"

namespace polyscene {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int Run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: learning_bench FILE.csv[.gz] MODEL.textproto [EVALUATE_FROM]\n");
    return 2;
  }
  auto spec = ModelSpec::Load(argv[2]);
  if (!spec.ok()) return Fail(spec.status());
  std::printf("%s\n", DescribeBackend().c_str());
  auto learner = CreateLearner(*spec, LearnerOptions());
  if (!learner.ok()) return Fail(learner.status());
  int64_t from = 0;
  if (argc > 3 && !ParseTimeMicros(argv[3], &from)) {
    std::fprintf(stderr, "EVALUATE_FROM: got '%s', expected %s\n", argv[3], std::string(kTimeFormats).c_str());
    return 2;
  }
  (*learner)->OpenEvaluation("bench", from);

  EventReaderOptions options;
  auto reader = EventReader::Open(argv[1], (*spec)->file(), options);
  if (!reader.ok()) return Fail(reader.status());
  const int64_t step_rows = (*spec)->file().learning().step_rows();
  int64_t rows = 0;
  double learning_seconds = 0;
  std::vector<EventTable> tables;  // Of the step being filled.
  std::vector<std::pair<int64_t, int64_t>> extents;
  int64_t filled = 0;
  const auto learn = [&]() -> absl::Status {
    std::vector<ExamplesView> views;
    for (const EventTable& table : tables) views.push_back(table.View());
    std::vector<ExampleSlice> slices;
    for (size_t i = 0; i < views.size(); ++i) slices.push_back({&views[i], extents[i].first, extents[i].second, "bench"});
    const auto start = std::chrono::steady_clock::now();
    auto report = (*learner)->Step(slices);
    learning_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    rows += filled;
    EventTable last = std::move(tables.back());
    const int64_t end = extents.back().second;
    tables.clear();
    extents.clear();
    filled = 0;
    if (end < last.rows()) {  // The step ended inside it.
      tables.push_back(std::move(last));
      extents.emplace_back(end, end);
    }
    return report.status();
  };
  EventTable next;
  for (;;) {
    auto more = (*reader)->Next(&next);
    if (!more.ok()) return Fail(more.status());
    if (!*more) break;
    tables.push_back(std::move(next));
    extents.emplace_back(0, 0);
    next = EventTable();
    while (!tables.empty()) {
      const int64_t take = std::min(step_rows - filled, tables.back().rows() - extents.back().second);
      extents.back().second += take;
      filled += take;
      if (filled < step_rows) break;
      if (absl::Status status = learn(); !status.ok()) return Fail(status);
    }
  }
  if (filled > 0) {
    if (absl::Status status = learn(); !status.ok()) return Fail(status);
  }
  std::printf("%lld rows in %.2f s of steps: %.0f rows/s, tables %.1f MB\n", static_cast<long long>(rows),
              learning_seconds, static_cast<double>(rows) / learning_seconds,
              static_cast<double>((*learner)->table_bytes()) / 1e6);
  for (const auto& [producer, figures] : (*learner)->OpenedEvaluations()) {
    for (const EvaluationFigure& figure : figures) {
      if (figure.scene != "*") continue;
      std::printf("%-24s %-20s %.4f  (%llu rows)\n", figure.task.c_str(), figure.metric.c_str(), figure.value,
                  static_cast<unsigned long long>(figure.rows));
    }
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
