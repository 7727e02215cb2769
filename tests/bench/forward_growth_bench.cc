// What a request costs as it, or the reference model, grows: by candidates, by the model's scenes, and by the tasks
// that are asked for. One thread; what the server gets.
//
//   forward_growth_bench [SECONDS]        at each size, 1
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/statistics.h"

namespace polyscene {
namespace {

constexpr int64_t kCandidates = 100;
constexpr int kRequests = 16;

// So many scenes, which share so many tasks.
std::shared_ptr<const ModelSpec> SpecOf(int scenes, int tasks) {
  return ReferenceSpec({}, [&](v1::ModelFile& file) {
    file.clear_scenes();
    file.clear_tasks();
    for (int t = 0; t < tasks; ++t) {
      v1::Task& task = *file.add_tasks();
      task.set_name(absl::StrCat("task_", t));
      task.mutable_binary();
    }
    for (int s = 0; s < scenes; ++s) {
      v1::Scene& scene = *file.add_scenes();
      scene.set_name(absl::StrCat("scene_", s));
      for (const v1::Task& task : file.tasks()) scene.add_tasks(task.name());
    }
  });
}

// What of one model is scored: its predictor and weights.
class Scorer {
 public:
  explicit Scorer(std::shared_ptr<const ModelSpec> spec)
      : spec_(std::move(spec)),
        snapshot_(Check(LearnedReference(spec_)->MakeSnapshot(1, 0))),
        predictor_(Check(CreatePredictor(spec_, HashKey(), "cpu"))) {}

  double MedianMicros(int64_t candidates, double seconds) const {
    const auto requests = ReferenceRequests(spec_, kRequests, candidates);
    std::vector<double> micros;
    const auto score = [&](size_t i) {
      const ScoreRequest& request = requests[i % requests.size()]->request();
      Check(predictor_->Score(*snapshot_, absl::MakeConstSpan(&request, 1)).status());
    };
    for (size_t i = 0; i < requests.size(); ++i) score(i);
    for (const Stopwatch window; window.seconds() < seconds;) {
      const Stopwatch watch;
      score(micros.size());
      micros.push_back(1e6 * watch.seconds());
    }
    return Median(micros);
  }

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  const std::shared_ptr<const Snapshot> snapshot_;
  const std::unique_ptr<Predictor> predictor_;
};

void Print(const char* what, int64_t size, double micros, double candidates) {
  std::printf("%s %5lld: %9.1f us a request, %.2f us a candidate\n", what, static_cast<long long>(size), micros,
              micros / candidates);
  std::fflush(stdout);
}

int Run(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  PrintMachine();
  std::printf("%s\n", DescribeBackend().c_str());
  {
    const Scorer reference(ReferenceSpec());
    for (const int64_t candidates : {1, 2, 5, 10, 25, 50, 100, 250, 500, 1'000, 2'500, 5'000}) {
      Print("candidates", candidates, reference.MedianMicros(candidates, seconds), static_cast<double>(candidates));
    }
  }
  for (const int scenes : {1, 3, 10, 30, 100}) {
    Print("scenes", scenes, Scorer(SpecOf(scenes, 3)).MedianMicros(kCandidates, seconds), kCandidates);
  }
  for (const int tasks : {1, 3, 10, 25, 50}) {
    Print("tasks", tasks, Scorer(SpecOf(1, tasks)).MedianMicros(kCandidates, seconds), kCandidates);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
