#include <functional>
#include <memory>
#include <string>

#include "client/simulator/event_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/spec/model_spec.h"

namespace polyscene::simulator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

v1::ModelFile Marketplace() {
  const auto spec = ModelSpec::Load(POLYSCENE_MARKETPLACE_MODEL);
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.ok() ? (*spec)->file() : v1::ModelFile();
}

v1::Feature* FindFeature(v1::ModelFile& model, const std::string& name) {
  for (v1::Feature& feature : *model.mutable_features()) {
    if (feature.name() == name) return &feature;
  }
  ADD_FAILURE() << "no feature '" << name << "'";
  return nullptr;
}

std::string ErrorAfter(const std::function<void(v1::ModelFile&)>& change) {
  v1::ModelFile model = Marketplace();
  change(model);
  const auto fits = MarketplaceModel::Of(model);
  EXPECT_FALSE(fits.ok());
  return std::string(fits.status().message());
}

TEST(MarketplaceModelTest, TheModelFileThatWeShipTakesEveryColumn) {
  const auto model = MarketplaceModel::Of(Marketplace());
  ASSERT_TRUE(model.ok()) << model.status();
  for (int s = 0; s < kScenes; ++s) {
    const Scene scene = static_cast<Scene>(s);
    size_t features = 0, tasks = 0;
    for (const SimulatedFeature& feature : Features()) features += feature.In(scene);
    for (const SimulatedTask& task : Tasks()) tasks += task.In(scene);
    EXPECT_EQ(model->scenes[s].features.size(), features) << SceneName(scene);
    EXPECT_EQ(model->scenes[s].tasks.size(), tasks) << SceneName(scene);
  }
}

TEST(MarketplaceModelTest, AModelMayLeaveFeaturesAndTasksOut) {
  v1::ModelFile model = Marketplace();
  v1::Scene& behaviour = *model.mutable_scenes(2);
  ASSERT_EQ(behaviour.name(), "behaviour");
  behaviour.clear_features();
  behaviour.add_features("user_id");
  behaviour.clear_tasks();
  behaviour.add_tasks("churn");
  const auto fits = MarketplaceModel::Of(model);
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_EQ(fits->scenes[2].features.size(), 1u);
  EXPECT_EQ(fits->scenes[2].tasks.size(), 1u);
}

TEST(MarketplaceModelTest, AMissingSceneIsAnError) {
  EXPECT_THAT(ErrorAfter([](v1::ModelFile& model) { model.mutable_scenes(1)->set_name("serach"); }),
              HasSubstr("scene 'search' is missing"));
}

TEST(MarketplaceModelTest, AnotherTypeOrSideIsAnError) {
  const std::string error = ErrorAfter([](v1::ModelFile& model) {
    FindFeature(model, "price")->set_type(v1::INT64);
    FindFeature(model, "brand")->set_side(v1::CONTEXT);
    FindFeature(model, "recent_clicks")->clear_sequence();
  });
  EXPECT_THAT(
      error,
      AllOf(HasSubstr("feature 'price' is an INT64 on the candidate side, expected a FLOAT on the candidate side"),
            HasSubstr("feature 'brand' is a STRING on the context side"),
            HasSubstr("expected an INT64 sequence on the context side")));
}

TEST(MarketplaceModelTest, ARequiredFeatureThatIsNotSimulatedIsAnError) {
  const std::string error = ErrorAfter([](v1::ModelFile& model) {
    v1::Feature* cost = model.add_features();
    *cost = *FindFeature(model, "price");
    cost->set_name("cost");
    model.mutable_scenes(1)->add_features("cost");
  });
  EXPECT_THAT(error, HasSubstr("scene 'search': feature 'cost' is required but not simulated there"));
}

TEST(MarketplaceModelTest, AnotherKindOfTaskIsAnError) {
  const std::string error = ErrorAfter([](v1::ModelFile& model) {
    for (v1::Task& task : *model.mutable_tasks()) {
      if (task.name() == "click") task.mutable_regression();
      if (task.name() == "category") task.mutable_multi_class()->set_classes(9);
      if (task.name() == "demand") task.mutable_forecast()->set_horizon(14);
    }
    model.mutable_scenes(2)->add_tasks("click");
  });
  EXPECT_THAT(error, AllOf(HasSubstr("task 'click' is a regression, expected binary"),
                           HasSubstr("task 'category' is multi_class of 9 classes, expected multi_class of 8 classes"),
                           HasSubstr("task 'demand' is a forecast of 14 steps, expected a forecast of 7 steps"),
                           HasSubstr("scene 'behaviour': task 'click' is not simulated there")));
}

}  // namespace
}  // namespace polyscene::simulator
