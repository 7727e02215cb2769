#include <filesystem>

#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "tests/integration/test_model.h"

namespace polyscene {

ServerModel MakeTestModel(const ServerSettings& settings, TestModelControls&) {
  LearnerOptions options;
  options.key = settings.hash_key;
  ServerModel model;
  model.device = options.device;
  model.learner.create = [spec = settings.model, options] { return CreateLearner(spec, options); };
  model.learner.load = [spec = settings.model, options](const std::filesystem::path& directory) {
    return LoadLearner(spec, options, directory);
  };
  model.predictor = [spec = settings.model, options] { return CreatePredictor(spec, options.key, options.device); };
  return model;
}

}  // namespace polyscene
