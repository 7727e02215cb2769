#include <memory>
#include <utility>

#include "tests/integration/test_model.h"

namespace polyscene {

ServerModel MakeTestModel(const ServerSettings& settings, TestModelControls& controls) {
  ServerModel model;
  model.device = "cpu";
  model.log_disk = controls.log_disk;
  model.learner = FakeLearnerFunctions(controls.learner);
  model.predictor = [spec = settings.model, &controls]() -> absl::StatusOr<std::unique_ptr<Predictor>> {
    auto predictor = std::make_unique<FakePredictor>(spec);
    controls.predictor = predictor.get();
    return predictor;
  };
  return model;
}

}  // namespace polyscene
