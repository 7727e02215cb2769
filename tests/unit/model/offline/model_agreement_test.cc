#include "model/offline/model_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kModel[] = R"(
name: "shop"
features { name: "age" side: CONTEXT type: INT64 encode { numeric {} } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
scenes { name: "shop" tasks: ["click", "spend"] }
scenes { name: "search" tasks: ["click"] }
tasks { name: "click" binary {} }
tasks { name: "spend" regression {} }
network { shared_bottom { hidden: [4] } }
)";

// The model under `path`, with each first text replaced by the second.
NamedModel Model(const std::string& path, std::vector<std::pair<absl::string_view, absl::string_view>> changes = {}) {
  auto spec = ModelSpec::Parse(absl::StrReplaceAll(kModel, changes), path);
  if (!spec.ok()) ADD_FAILURE() << spec.status();
  return {path, *spec};
}

TEST(ModelAgreementTest, NetworksWeightsAndEncodingsMayDiffer) {
  const NamedModel other =
      Model("b", {{"hidden: [4]", "hidden: [8, 4]"},
                  {"tasks { name: \"click\" binary {} }", "tasks { name: \"click\" binary {} weight: 3 }"},
                  {"type: FLOAT encode { numeric {} }", "type: FLOAT encode { numeric { scaling: MIN_MAX } }"}});
  EXPECT_THAT(Disagreements(Model("a"), other), IsEmpty());
  EXPECT_THAT(Omissions(Model("a"), other), IsEmpty());
}

TEST(ModelAgreementTest, OneColumnReadInTwoWaysIsToldWithBothSides) {
  const NamedModel other =
      Model("b", {{"type: INT64", "type: STRING"},
                  {"numeric {} } }\nfeatures", "hash { embedding { dimension: 4 } } } }\nfeatures"},
                  {"regression {} }", "regression { transform { log1p: true } } column: \"euros\" }"}});
  EXPECT_THAT(
      Disagreements(Model("a"), other),
      ElementsAre("feature 'age', type: INT64 in a, STRING in b", "task 'spend', columns: spend in a, euros in b",
                  "task 'spend', scale of evaluation: as labelled in a, log1p in b"));
}

TEST(ModelAgreementTest, OtherRowsAreADisagreement) {
  const NamedModel timed = Model("b", {{"network {", "files { event_time_column: \"at\" }\nnetwork {"}});
  EXPECT_THAT(Disagreements(Model("a"), timed), ElementsAre("event_time_column: none in a, at in b"));
  const NamedModel scene = Model("b", {{"\"search\"", "\"feed\""}});
  EXPECT_THAT(Disagreements(Model("a"), scene),
              ElementsAre("scene 'search': b does not have it", "scene 'feed': a does not have it"));
  const NamedModel range = Model("b", {{"regression {} }", "regression {} missing_outside { min: 0 max: 9 } }"}});
  EXPECT_THAT(Disagreements(Model("a"), range), ElementsAre("task 'spend', missing_outside: none in a, 0 to 9 in b"));
}

TEST(ModelAgreementTest, AMaskIsADisagreementForItTakesRowsOut) {
  const NamedModel masked =
      Model("b", {{"regression {} }", "regression {} defined_when { task: \"click\" negative: true } }"}});
  EXPECT_THAT(Disagreements(Model("a"), masked), ElementsAre("task 'spend', defined_when: none in a, not click in b"));
}

// Whoever asks whether the entire space is worth it compares the two.
TEST(ModelAgreementTest, AProductIsABinaryTaskAsAnyOther) {
  const char* scene = "scenes { name: \"shop\" tasks: [\"click\", \"spend\"] }";
  const auto shop = [&](const char* path, const char* kind) {
    const std::string tasks =
        absl::StrCat("tasks { name: \"cvr\" binary {} }\ntasks { name: \"bought\" ", kind, " }\nnetwork {");
    return Model(path, {{scene, "scenes { name: \"shop\" tasks: [\"click\", \"spend\", \"cvr\", \"bought\"] }"},
                        {"network {", tasks}});
  };
  EXPECT_THAT(Disagreements(shop("a", "binary {}"), shop("b", "product { tasks: [\"click\", \"cvr\"] }")), IsEmpty());
}

TEST(ModelAgreementTest, WhatOneLeavesOutIsAnOmission) {
  const NamedModel other =
      Model("b", {{"features { name: \"age\" side: CONTEXT type: INT64 encode { numeric {} } }\n", ""},
                  {"scenes { name: \"search\" tasks: [\"click\"] }",
                   "scenes { name: \"search\" tasks: [\"click\", \"spend\"] }"}});
  EXPECT_THAT(Disagreements(Model("a"), other), IsEmpty());
  EXPECT_THAT(Omissions(Model("a"), other),
              ElementsAre("feature 'age': b does not have it", "scene 'search' has task 'spend' in b alone"));
}

}  // namespace
}  // namespace polyscene
