// What a training step costs in each network at about equal numbers of weights: forward and backward over 256 rows of
// the reference model's inputs, in three scenes.
//
//   network_bench [SECONDS]
//
// Networks take turns, so that what else the machine does meets them all; times are medians of the thread's processor
// time, ratios are to shared_bottom. 1 thread. First LibTorch's networks, then what trains (model/fused) over these, by
// how many scenes the rows are of.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/fused/fused_network.h"
#include "model/learning/learner.h"
#include "model/network/network.h"
#include "model/spec/model_size.h"
#include "tests/bench/support/machine.h"

namespace polyscene {
namespace {

constexpr int64_t kRows = 256;
constexpr int kScenes = 3;
constexpr int kTasksPerScene = 3;
constexpr int64_t kInputs = 20 * 16 + 10;

// Which tasks a model has: three in each scene, the same three everywhere, or those of the first scene alone.
enum class Tasks { kOfTheirScene, kOfAllScenes, kOfFirstScene };

std::string Text(const std::string& network, Tasks tasks, int scene_count) {
  std::string text = "name: \"reference\"\n";
  for (int i = 0; i < 20; ++i) {
    absl::StrAppend(&text, "features { name: \"c", i,
                    "\" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 16 } } } }\n");
  }
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(&text, "features { name: \"n", i,
                    "\" side: CONTEXT type: FLOAT required: true encode { numeric {} } }\n");
  }
  const int scenes = tasks == Tasks::kOfFirstScene ? 1 : scene_count;
  for (int s = 0; s < scenes; ++s) {
    absl::StrAppend(&text, "scenes { name: \"s", s, "\" tasks: [");
    for (int t = 0; t < kTasksPerScene; ++t) {
      absl::StrAppend(&text, t > 0 ? ", " : "", "\"t", t + (tasks == Tasks::kOfTheirScene ? s * kTasksPerScene : 0),
                      "\"");
    }
    absl::StrAppend(&text, "] }\n");
  }
  const int count = tasks == Tasks::kOfTheirScene ? scenes * kTasksPerScene : kTasksPerScene;
  for (int t = 0; t < count; ++t) absl::StrAppend(&text, "tasks { name: \"t", t, "\" binary {} }\n");
  return absl::StrCat(text, "network { ", network, " tower: [64] }\n");
}

std::shared_ptr<const ModelSpec> Spec(const std::string& network, Tasks tasks, int scenes = kScenes) {
  auto spec = ModelSpec::Parse(Text(network, tasks, scenes), "reference");
  if (!spec.ok()) {
    std::fprintf(stderr, "%s\n", spec.status().ToString().c_str());
    std::abort();
  }
  return *std::move(spec);
}

struct Kind {
  const char* name;
  const char* before;  // Of the hidden widths.
  const char* after;
};
constexpr Kind kKinds[] = {
    {"shared_bottom", "shared_bottom { ", "}"},
    {"mmoe, 4 experts", "mmoe { experts: 4 ", "}"},
    {"ple, 2 + 1 experts", "ple { ", "}"},
    {"ple, 2 layers", "ple { layers: 2 ", "}"},
    {"shared_bottom + star", "shared_bottom { ", "} scene_adaptation: STAR"},
    {"mmoe + star", "mmoe { experts: 4 ", "} scene_adaptation: STAR"},
    {"ple + star", "ple { ", "} scene_adaptation: STAR"},
    {"ple + gate", "ple { ", "} scene_adaptation: GATE"},
    {"single", "single { ", "}"},
};

std::string NetworkText(const Kind& kind, int64_t width) {
  return absl::StrCat(kind.before, "hidden: [", 2 * width, ", ", width, "] ", kind.after);
}

// The width, a multiple of 4, that brings the kind closest to so many weights.
int64_t WidthFor(const Kind& kind, Tasks tasks, int64_t parameters) {
  int64_t best = 4;
  int64_t best_distance = INT64_MAX;
  for (int64_t width = 4; width <= 1024; width += 4) {
    const int64_t distance = std::abs(SizeOf(*Spec(NetworkText(kind, width), tasks)).parameters - parameters);
    if (distance < best_distance) {
      best_distance = distance;
      best = width;
    } else {
      break;
    }
  }
  return best;
}

// A network, a batch of its scenes, and what a step takes.
class Stepper {
 public:
  using Create = std::unique_ptr<Network>(const ModelSpec& spec, int64_t input_width);

  // scenes: of how many, from the first on, the batch has rows.
  Stepper(std::shared_ptr<const ModelSpec> spec, int scenes, Create* create = CreateNetwork)
      : spec_(std::move(spec)),
        network_(create(*spec_, kInputs)),
        parameters_(network_->layout(), network_->layout().InitialValues(1)),
        inputs_(torch::randn({kRows, kInputs})) {
    for (int64_t r = 0; r < kRows; ++r) scenes_.push_back(static_cast<int32_t>(r % scenes));
    for (int t = 0; t < static_cast<int>(spec_->tasks().size()); ++t) {
      std::vector<int64_t> rows;
      for (int64_t r = 0; r < kRows; ++r) {
        if (spec_->scenes()[scenes_[r]].has_task[t]) rows.push_back(r);
      }
      if (rows.empty()) continue;
      wanted_.push_back({t, static_cast<int64_t>(rows.size()) == kRows ? torch::Tensor() : torch::tensor(rows)});
    }
  }

  void Step() {
    const double start = CpuSecondsOfThread();
    torch::Tensor inputs = inputs_.detach().requires_grad_(true);  // Embeddings learn too.
    parameters_.flat_gradient.zero_();
    torch::Tensor loss;
    for (const torch::Tensor& logits : network_->Forward(parameters_.leaves, inputs, scenes_, wanted_)) {
      const torch::Tensor own = torch::softplus(logits).mean();
      loss = loss.defined() ? loss + own : own;
    }
    loss.backward();
    millis_.push_back(1e3 * (CpuSecondsOfThread() - start));
  }

  void WarmUp() {
    for (int i = 0; i < 3; ++i) Step();
    millis_.clear();
  }

  double Median() {
    std::nth_element(millis_.begin(), millis_.begin() + static_cast<int64_t>(millis_.size() / 2), millis_.end());
    return millis_[millis_.size() / 2];
  }
  int64_t parameters() const { return network_->layout().count(); }

 private:
  std::shared_ptr<const ModelSpec> spec_;
  std::unique_ptr<Network> network_;
  TrainedParameters parameters_;
  torch::Tensor inputs_;
  std::vector<int32_t> scenes_;
  std::vector<WantedTask> wanted_;
  std::vector<double> millis_;
};

void TakeTurns(std::vector<Stepper>& steppers, double seconds) {
  for (Stepper& stepper : steppers) stepper.WarmUp();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  do {
    for (Stepper& stepper : steppers) stepper.Step();
  } while (std::chrono::steady_clock::now() < end);
}

void Compare(const char* title, Tasks tasks, double seconds) {
  const int64_t parameters = SizeOf(*Spec(NetworkText(kKinds[0], 512), tasks)).parameters;
  std::vector<Stepper> steppers;
  std::vector<int64_t> widths;
  for (const Kind& kind : kKinds) {
    widths.push_back(WidthFor(kind, tasks, parameters));
    steppers.emplace_back(Spec(NetworkText(kind, widths.back()), tasks), kScenes);
  }
  TakeTurns(steppers, seconds);
  std::printf("\n%s\n%-22s %12s %10s %12s %8s\n", title, "", "hidden", "weights", "step, ms", "ratio");
  for (size_t i = 0; i < steppers.size(); ++i) {
    std::printf("%-22s %12s %10lld %12.2f %8.2f\n", kKinds[i].name, absl::StrCat(2 * widths[i], "-", widths[i]).c_str(),
                static_cast<long long>(steppers[i].parameters()), steppers[i].Median(),
                steppers[i].Median() / steppers[0].Median());
  }
}

void CompareAbsent(double seconds) {
  std::vector<Stepper> steppers;
  for (const Kind& kind : kKinds) {
    for (const Tasks tasks : {Tasks::kOfFirstScene, Tasks::kOfTheirScene}) {
      steppers.emplace_back(Spec(NetworkText(kind, 64), tasks), 1);
    }
  }
  TakeTurns(steppers, seconds);
  std::printf(
      "\nA batch of one scene and its 3 tasks, hidden 128-64: a model of these 3 alone, one of 3 scenes and 9 tasks\n"
      "%-22s %12s %12s %8s\n",
      "", "3, ms", "9, ms", "ratio");
  for (size_t i = 0; i < steppers.size(); i += 2) {
    const double alone = steppers[i].Median();
    const double among = steppers[i + 1].Median();
    std::printf("%-22s %12.2f %12.2f %8.2f\n", kKinds[i / 2].name, alone, among, among / alone);
  }
}

void CompareTrained(const char* title, Tasks tasks, double seconds) {
  std::printf("\nWhat trains over LibTorch's network; %s\n%-24s %8s %14s %12s %8s\n", title, "", "scenes",
              "LibTorch, ms", "trains, ms", "ratio");
  for (const Kind& kind : {kKinds[0], kKinds[1], kKinds[5]}) {
    for (const int scenes : {1, 3, 8, 16, 64}) {
      std::vector<Stepper> steppers;
      for (Stepper::Create* create : {CreateNetwork, CreateTrainedNetwork}) {
        steppers.emplace_back(Spec(NetworkText(kind, 128), tasks, scenes), scenes, create);
      }
      TakeTurns(steppers, seconds / 5);
      const double libtorch = steppers[0].Median();
      const double trains = steppers[1].Median();
      std::printf("%-24s %8d %14.2f %12.2f %8.2f\n", kind.name, scenes, libtorch, trains, libtorch / trains);
    }
  }
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 15;
  at::set_num_threads(1);
  std::printf("%s, 1 thread; %lld rows, %lld inputs\n", polyscene::DescribeBackend().c_str(),
              static_cast<long long>(polyscene::kRows), static_cast<long long>(polyscene::kInputs));
  polyscene::Compare("9 tasks, each scene has its own 3: every task on its own rows", polyscene::Tasks::kOfTheirScene,
                     seconds);
  polyscene::Compare("3 tasks, every scene has them: every task on every row", polyscene::Tasks::kOfAllScenes, seconds);
  polyscene::CompareAbsent(seconds);
  polyscene::CompareTrained("9 tasks or more, each scene has its own 3", polyscene::Tasks::kOfTheirScene, seconds);
  polyscene::CompareTrained("3 tasks, every scene has them", polyscene::Tasks::kOfAllScenes, seconds);
}
