// Every model file that is shipped loads without a mistake.
#include <gmock/gmock.h>

#include <filesystem>
#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {
namespace {

std::vector<std::string> ModelFiles() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(POLYSCENE_MODELS_DIR)) {
    if (entry.path().extension() == ".textproto") paths.push_back(entry.path());
  }
  return paths;
}

class ModelFile : public testing::TestWithParam<std::string> {};

TEST_P(ModelFile, HasNoMistake) {
  const auto spec = ModelSpec::Load(GetParam());
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ((*spec)->file().name(), std::filesystem::path(GetParam()).stem());
}

// What clients and checkpoints get has every default written out.
TEST_P(ModelFile, IsTheSameOnceItsDefaultsAreWrittenOut) {
  const auto spec = ModelSpec::Load(GetParam());
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  const auto again = ModelSpec::Create((*spec)->file());
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ((*again)->fingerprint(), (*spec)->fingerprint());
  EXPECT_EQ((*again)->file().SerializeAsString(), (*spec)->file().SerializeAsString());
}

INSTANTIATE_TEST_SUITE_P(Shipped, ModelFile, testing::ValuesIn(ModelFiles()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

TEST(ModelFiles, AreTheOnesThatTheDocumentationNames) {
  EXPECT_THAT(ModelFiles(),
              testing::IsSupersetOf({testing::EndsWith("/marketplace.textproto"), testing::EndsWith("/eshop.textproto"),
                                     testing::EndsWith("/hotel.textproto")}));
}

TEST(EshopModel, HasItsScenesTasksAndRank) {
  const auto spec = ModelSpec::Load(std::string(POLYSCENE_MODELS_DIR) + "/eshop.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ((*spec)->SceneNames(), "trousers, skirts, blouses, sale");
  EXPECT_EQ((*spec)->TaskNames((*spec)->scenes()[0]),
            "y_continue, y_same_category_next, y_next_price, y_remaining_clicks, y_next5");
  EXPECT_TRUE((*spec)->scenes()[0].has_candidates);
  EXPECT_EQ((*spec)->scenes()[3].rank_by[0].task, (*spec)->FindTask("y_continue"));
  EXPECT_THAT((*spec)->tasks()[4].columns,
              testing::ElementsAre("y_next5_cat1", "y_next5_cat2", "y_next5_cat3", "y_next5_cat4"));
  EXPECT_EQ((*spec)->FindFeature("session_id"), -1);
}

TEST(HotelModel, NeverSeesWhatTellsTheOutcome) {
  const auto spec = ModelSpec::Load(std::string(POLYSCENE_MODELS_DIR) + "/hotel.textproto");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ((*spec)->scenes().size(), 6);
  for (const char* never : {"country", "label_date", "booking_date", "event_date", "event_id"}) {
    EXPECT_EQ((*spec)->FindFeature(never), -1) << never;
  }
  EXPECT_TRUE((*spec)->tasks()[(*spec)->FindTask("y_adr")].has_range);
}

}  // namespace
}  // namespace polyscene
