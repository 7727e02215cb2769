#include "tests/support/planted_tasks.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

using Vector = std::vector<double>;

double Product(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// a x + b y
Vector Mix(double a, const Vector& x, double b, const Vector& y) {
  Vector mixed(x.size());
  for (size_t i = 0; i < x.size(); ++i) mixed[i] = a * x[i] + b * y[i];
  return mixed;
}

// Standard normal, the same on every machine (Box and Muller, 1958): std::normal_distribution is each library's own.
double Normal(std::mt19937_64& random) {
  const auto unit = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(unit()));
  return radius * std::cos(2 * 3.141592653589793 * unit());
}

// Of length 1, orthogonal to all of `others`, which are so to each other.
Vector Orthogonal(const std::vector<Vector>& others, int size, std::mt19937_64& random) {
  Vector made(size);
  for (double& value : made) value = Normal(random);
  for (const Vector& other : others) made = Mix(1, made, -Product(made, other), other);
  return Mix(1 / std::sqrt(Product(made, made)), made, 0, made);
}

}  // namespace

PlantedTasks::PlantedTasks(const PlantedOptions& options) : options_(options), random_(options.seed) {
  std::vector<Vector> basis;
  const auto fresh = [&]() -> const Vector& { return basis.emplace_back(Orthogonal(basis, options_.inputs, random_)); };
  const double p = options_.task_correlation;
  const double q = options_.scene_correlation;
  std::vector<Vector> common;  // [tasks]
  for (int t = 0; t < options_.tasks; ++t) {
    const Vector own = fresh();
    common.push_back(t == 0 ? own : Mix(p, common[0], std::sqrt(1 - p * p), own));
  }
  for (int s = 0; s < options_.scenes; ++s) {
    std::vector<Vector>& of_scene = directions_.emplace_back();
    for (int t = 0; t < options_.tasks; ++t) {
      // The part of its own is orthogonal to what this task has in common; those of different pairs may meet.
      const Vector own = Orthogonal({common[t]}, options_.inputs, random_);
      of_scene.push_back(Mix(q, common[t], std::sqrt(1 - q * q), own));
    }
  }
}

std::string PlantedTasks::ModelText(const std::string& rest) const {
  std::string text = absl::StrCat("name: \"planted\" seed: ", options_.seed, "\n");
  for (int i = 0; i < options_.inputs; ++i) {
    absl::StrAppend(&text, "features { name: \"x", i,
                    "\" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }\n");
  }
  std::string tasks;
  for (int t = 0; t < options_.tasks; ++t) {
    absl::StrAppend(&text, "tasks { name: \"y", t, "\" regression {} }\n");
    absl::StrAppend(&tasks, t == 0 ? "" : ", ", "\"y", t, "\"");
  }
  for (int s = 0; s < options_.scenes; ++s) {
    absl::StrAppend(&text, "scenes { name: \"s", s, "\" tasks: [", tasks, "] }\n");
  }
  return absl::StrCat(text, rest);
}

float PlantedTasks::Label(int scene, int task, const std::vector<double>& inputs) {
  const double along = Product(directions_[scene][task], inputs);
  return static_cast<float>(along + std::sin(2 * along + 0.5) + std::sin(3 * along) + options_.noise * Normal(random_));
}

PlantedTasks::Rows PlantedTasks::Draw(int scene, int64_t rows) {
  Rows drawn;
  drawn.scene = absl::StrCat("s", scene);
  drawn.features.rows = rows;
  drawn.labels.resize(options_.tasks);
  std::vector<std::vector<float>> columns(options_.inputs);
  Vector inputs(options_.inputs);
  for (int64_t r = 0; r < rows; ++r) {
    for (int i = 0; i < options_.inputs; ++i) {
      inputs[i] = Normal(random_);
      columns[i].push_back(static_cast<float>(inputs[i]));
    }
    for (int t = 0; t < options_.tasks; ++t) drawn.labels[t].push_back(Label(scene, t, inputs));
  }
  for (int i = 0; i < options_.inputs; ++i) {
    drawn.features.Add(absl::StrCat("x", i), ValueType::kFloat).floats = std::move(columns[i]);
  }
  for (int t = 0; t < options_.tasks; ++t) drawn.tasks.push_back(absl::StrCat("y", t));
  return drawn;
}

}  // namespace polyscene
