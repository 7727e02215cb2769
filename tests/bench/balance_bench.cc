// What balancing losses and measuring gradients costs a step: the learners of several settings take turns on the same
// rows, so that what else the machine does meets all alike. Times are the CPU's, of the learning thread.
//
//   balance_bench FILE.csv[.gz] MODEL.textproto [ROUNDS]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "model/data/event_reader.h"
#include "model/learning/learner.h"

namespace polyscene {
namespace {

constexpr int kTurnSteps = 200;  // A whole number of default intervals.

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

double ThreadSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Setting {
  std::string name;
  v1::LossBalance balance;
  std::shared_ptr<const ModelSpec> spec;
  std::unique_ptr<Learner> learner;
  std::vector<double> step_seconds;  // A turn's mean, one a round.
};

std::vector<Setting> Settings() {
  std::vector<Setting> settings(6);
  settings[0].name = "off";
  settings[0].balance.set_measure_every_steps(-1);
  settings[1].name = "measuring";
  settings[2].name = "uncertainty, measuring";
  settings[2].balance.mutable_uncertainty();
  settings[3].name = "grad_norm";
  settings[3].balance.mutable_grad_norm();
  settings[3].balance.set_measure_every_steps(-1);
  settings[4].name = "grad_norm, measuring";
  settings[4].balance.mutable_grad_norm();
  settings[5].name = "pcgrad";
  settings[5].balance.set_pcgrad(true);
  settings[5].balance.set_measure_every_steps(-1);
  return settings;
}

// The file's rows, step by step, from the start again where they end.
class Steps {
 public:
  static absl::StatusOr<Steps> Read(const char* path, const ModelSpec& spec) {
    auto reader = EventReader::Open(path, spec.file(), EventReaderOptions());
    if (!reader.ok()) return reader.status();
    Steps steps;
    for (;;) {
      EventTable table;
      auto more = (*reader)->Next(&table);
      if (!more.ok()) return more.status();
      if (!*more) break;
      steps.tables_.push_back(std::move(table));
    }
    if (steps.tables_.empty()) return absl::InvalidArgumentError("the file has no rows");
    for (const EventTable& table : steps.tables_) steps.views_.push_back(table.View());
    const int64_t step_rows = spec.file().learning().step_rows();
    int64_t filled = step_rows;
    for (const ExamplesView& view : steps.views_) {
      for (int64_t begin = 0; begin < view.rows();) {
        if (filled == step_rows) {
          steps.steps_.emplace_back();
          filled = 0;
        }
        const int64_t end = std::min(view.rows(), begin + step_rows - filled);
        steps.steps_.back().push_back({&view, begin, end, ""});
        filled += end - begin;
        begin = end;
      }
    }
    return steps;
  }

  const std::vector<ExampleSlice>& At(int64_t step) const { return steps_[step % steps_.size()]; }

 private:
  std::vector<EventTable> tables_;
  std::vector<ExamplesView> views_;
  std::vector<std::vector<ExampleSlice>> steps_;
};

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

int Run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: balance_bench FILE.csv[.gz] MODEL.textproto [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 15;
  auto model = ModelSpec::Load(argv[2]);
  if (!model.ok()) return Fail(model.status());
  std::printf("%s\n", DescribeBackend().c_str());
  auto steps = Steps::Read(argv[1], **model);
  if (!steps.ok()) return Fail(steps.status());

  std::vector<Setting> settings = Settings();
  for (Setting& setting : settings) {
    v1::ModelFile file = (*model)->file();
    *file.mutable_loss_balance() = setting.balance;
    auto spec = ModelSpec::Create(file);
    if (!spec.ok()) return Fail(spec.status());
    setting.spec = *spec;
    auto learner = CreateLearner(setting.spec, LearnerOptions());
    if (!learner.ok()) return Fail(learner.status());
    setting.learner = *std::move(learner);
  }
  for (int round = -1; round < rounds; ++round) {  // The first warms up.
    for (Setting& setting : settings) {
      const double start = ThreadSeconds();
      for (int64_t i = 0; i < kTurnSteps; ++i) {
        auto report = setting.learner->Step(steps->At((round + 1) * kTurnSteps + i));
        if (!report.ok()) return Fail(report.status());
      }
      if (round >= 0) setting.step_seconds.push_back((ThreadSeconds() - start) / kTurnSteps);
    }
  }
  const int64_t step_rows = (*model)->file().learning().step_rows();
  std::printf("%d rounds of %d steps of %lld rows\n", rounds, kTurnSteps, static_cast<long long>(step_rows));
  for (const Setting& setting : settings) {
    std::vector<double> ratios;  // Round by round.
    for (int r = 0; r < rounds; ++r) ratios.push_back(setting.step_seconds[r] / settings[0].step_seconds[r]);
    const double seconds = Median(setting.step_seconds);
    std::printf("%-24s %8.1f us a step, %7.0f rows/s, throughput %+.1f %%\n", setting.name.c_str(), 1e6 * seconds,
                static_cast<double>(step_rows) / seconds, 100 * (1 / Median(ratios) - 1));
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
