// The classic network against the same arithmetic written out by hand, in double precision: one hidden layer shared by
// three tasks, three weighted losses, three steps.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "model/network/network.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

constexpr int kInputs = 2;
constexpr int kHidden = 2;
constexpr double kRate = 0.1;
constexpr std::array<double, 3> kWeights = {0.5, 0.3, 0.2};  // w1, w2, w3.

std::string ModelText(const std::string& optimizer) {
  return absl::StrCat(R"(
    name: "classic" seed: 3
    features { name: "a" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    features { name: "b" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click", "rating", "hours"] }
    tasks { name: "click" binary {} weight: 0.5 }
    tasks { name: "rating" regression {} weight: 0.3 }
    tasks { name: "hours" regression { loss { huber { delta: 0.5 } } } weight: 0.2 }
    network { shared_bottom { hidden: [2] } }
    dense_optimizer { )",
                      optimizer, R"( }
  )");
}

OwnedExamples Rows() {
  OwnedExamples rows;
  rows.features.rows = 3;
  rows.features.Add("a", ValueType::kFloat).floats = {1.0f, -0.5f, 2.0f};
  rows.features.Add("b", ValueType::kFloat).floats = {0.5f, 1.5f, -1.0f};
  rows.labels = {{"click", {1, 0, 1}, {}}, {"rating", {0.7f, 0, -1.2f}, {1}}, {"hours", {2, -2, 0.1f}, {}}};
  return rows;
}

// The hand-written network: parameters in one array, gradients by the chain rule.
struct Reference {
  struct Net {
    double w[kInputs][kHidden], b[kHidden];  // Shared layer.
    double v[3][kHidden], c[3];              // A linear head a task.
  };
  static constexpr int kCount = sizeof(Net) / sizeof(double);
  Net net{};
  std::array<double, kCount> mean{}, variance{};

  explicit Reference(const ParameterLayout& layout) {
    const torch::Tensor initial = layout.InitialValues(3);
    for (const ParameterSpec& spec : layout.specs()) {
      const float* values = initial.data_ptr<float>() + spec.offset;
      const auto copy = [&](double* to) { std::copy_n(values, spec.count, to); };
      if (spec.name == "bottom.0.weight") copy(&net.w[0][0]);
      if (spec.name == "bottom.0.bias") copy(net.b);
      const std::array<std::string, 3> tasks = {"click", "rating", "hours"};
      for (int t = 0; t < 3; ++t) {
        if (spec.name == "head." + tasks[t] + ".weight") copy(net.v[t]);
        if (spec.name == "head." + tasks[t] + ".bias") copy(&net.c[t]);
      }
    }
  }

  std::array<double, 3> Logits(const std::array<double, 2>& x, std::array<double, kHidden>* hidden) const {
    std::array<double, 3> z{};
    for (int h = 0; h < kHidden; ++h) {
      (*hidden)[h] = std::max(0.0, net.b[h] + x[0] * net.w[0][h] + x[1] * net.w[1][h]);
    }
    for (int t = 0; t < 3; ++t) z[t] = net.c[t] + (*hidden)[0] * net.v[t][0] + (*hidden)[1] * net.v[t][1];
    return z;
  }

  // Joint loss and its gradient; a missing label is NaN.
  double Gradient(const std::vector<std::array<double, 2>>& x, const std::vector<std::array<double, 3>>& y,
                  Net* gradient) const {
    *gradient = Net{};
    std::array<int, 3> labelled{};
    for (const auto& row : y) {
      for (int t = 0; t < 3; ++t) labelled[t] += !std::isnan(row[t]);
    }
    double loss = 0;
    for (size_t r = 0; r < x.size(); ++r) {
      std::array<double, kHidden> h{};
      const std::array<double, 3> z = Logits(x[r], &h);
      std::array<double, kHidden> dh{};
      for (int t = 0; t < 3; ++t) {
        if (std::isnan(y[r][t])) continue;
        const double scale = kWeights[t] / labelled[t];
        const double error = z[t] - y[r][t];
        double dz = 0;
        if (t == 0) {
          loss += scale * (std::log1p(std::exp(-std::abs(z[t]))) + std::max(z[t], 0.0) - z[t] * y[r][t]);
          dz = 1 / (1 + std::exp(-z[t])) - y[r][t];
        } else if (t == 1) {
          loss += scale * error * error;
          dz = 2 * error;
        } else {
          const bool quadratic = std::abs(error) <= 0.5;
          loss += scale * (quadratic ? 0.5 * error * error : 0.5 * (std::abs(error) - 0.25));
          dz = quadratic ? error : (error > 0 ? 0.5 : -0.5);
        }
        dz *= scale;
        gradient->c[t] += dz;
        for (int k = 0; k < kHidden; ++k) {
          gradient->v[t][k] += dz * h[k];
          dh[k] += dz * net.v[t][k];
        }
      }
      for (int k = 0; k < kHidden; ++k) {
        if (h[k] <= 0) continue;
        gradient->b[k] += dh[k];
        for (int i = 0; i < kInputs; ++i) gradient->w[i][k] += dh[k] * x[r][i];
      }
    }
    return loss;
  }

  void Sgd(const Net& gradient) {
    for (int i = 0; i < kCount; ++i) At(net, i) -= kRate * At(gradient, i);
  }
  void Adam(const Net& gradient, int step) {
    for (int i = 0; i < kCount; ++i) {
      const double g = At(gradient, i);
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      variance[i] = 0.999 * variance[i] + 0.001 * g * g;
      const double m = mean[i] / (1 - std::pow(0.9, step));
      const double v = variance[i] / (1 - std::pow(0.999, step));
      At(net, i) -= kRate * m / (std::sqrt(v) + 1e-8);
    }
  }
  static double& At(Net& n, int i) { return reinterpret_cast<double*>(&n)[i]; }
  static double At(const Net& n, int i) { return reinterpret_cast<const double*>(&n)[i]; }
};

class ClassicNetworkTest : public testing::TestWithParam<bool> {};

TEST_P(ClassicNetworkTest, ThreeStepsEqualTheArithmeticByHand) {
  const bool adam = GetParam();
  const auto spec = ParseModel(ModelText(adam ? "adam { learning_rate: 0.1 }" : "sgd { learning_rate: 0.1 }"));
  const auto learner = NewLearner(spec);
  Reference reference(CreateNetwork(*spec, kInputs)->layout());
  const OwnedExamples rows = Rows();
  const std::vector<std::array<double, 2>> x = {{1, 0.5}, {-0.5, 1.5}, {2, -1}};
  const double none = std::nan("");
  const std::vector<std::array<double, 3>> y = {{1, 0.7f, 2}, {0, none, -2}, {1, -1.2f, 0.1f}};

  for (int step = 1; step <= 3; ++step) {
    Reference::Net gradient;
    const double loss = reference.Gradient(x, y, &gradient);
    const StepReport report = Learn(*learner, rows);
    EXPECT_NEAR(report.loss, loss, 1e-5) << "step " << step;
    adam ? reference.Adam(gradient, step) : reference.Sgd(gradient);
  }

  const auto snapshot = learner->MakeSnapshot(1, 0).value();
  const std::vector<float> click = Score(spec, *snapshot, rows.features, "shop", "click");
  const std::vector<float> rating = Score(spec, *snapshot, rows.features, "shop", "rating");
  const std::vector<float> hours = Score(spec, *snapshot, rows.features, "shop", "hours");
  for (size_t r = 0; r < x.size(); ++r) {
    std::array<double, kHidden> hidden{};
    const std::array<double, 3> z = reference.Logits(x[r], &hidden);
    EXPECT_NEAR(click[r], 1 / (1 + std::exp(-z[0])), 1e-5);
    EXPECT_NEAR(rating[r], z[1], 1e-5);
    EXPECT_NEAR(hours[r], z[2], 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, ClassicNetworkTest, testing::Bool(),
                         [](const auto& info) { return std::string(info.param ? "Adam" : "Sgd"); });

}  // namespace
}  // namespace polyscene
