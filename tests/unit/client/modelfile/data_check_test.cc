#include "client/modelfile/data_check.h"

#include <gmock/gmock.h>

#include "client/modelfile/model_report.h"
#include "model/report/new_file.h"
#include "tests/unit/client/modelfile/init_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kModel[] = R"model(
  name: "shop"
  features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 8 } } } }
  features { name: "item" side: CANDIDATE type: INT64 required: true encode { hash { embedding { dimension: 8 } } } }
  features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } column: "Price (EUR)" }
  features { name: "stock" side: CANDIDATE type: INT64 encode { numeric { log1p: true } } }
  scenes {
    name: "search" tasks: ["click", "spend"]
    rank_by { factors { task: "click" } factors { task: "spend" power: 0.5 } }
  }
  scenes { name: "home" tasks: ["click"] rank_by { factors { task: "click" } } }
  tasks { name: "click" binary {} }
  tasks {
    name: "spend" regression { loss { huber {} } transform { log1p: true } } weight: 0.3 missing_outside { max: 500 }
  }
  network { mmoe { experts: 4 hidden: [64, 32] } tower: [16] scene_adaptation: SCENE_EMBEDDING }
  files { event_time_column: "time" }
)model";

class DataCheckTest : public InitTest {
 protected:
  std::shared_ptr<const ModelSpec> spec_ = *ModelSpec::Parse(kModel, "shop.textproto");
};

TEST_F(DataCheckTest, EveryRefusedRowIsCountedByReasonWithItsFirstLine) {
  const auto check = CheckData(*spec_,
                               Write("scene,time,user,item,Price (EUR),click,spend,colour\n"
                                     "search,2024-01-01,u1,5,9.5,1,20,red\n"
                                     "search,2024-01-01,u1,,9.5,1,20,red\n"  // The item is required.
                                     "home,2024-01-02,u2,6,cheap,0,,blue\n"  // No number.
                                     "home,2024-01-02,u2,6,1,2,,blue\n"      // No 0 or 1.
                                     "home,2024-01-02,u2,6,1,3,,blue\n"      // Nor this.
                                     "cart,2024-01-02,u2,6,1,0,,blue\n"      // No such scene.
                                     "search,2024-01-03,u3,7,,0,900,\n"      // Its spend counts as missing.
                                     "home,2024-01-03,u3,8,,1,,\n"),
                               1000);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->rows_read, 8);
  EXPECT_TRUE(check->whole_file);
  EXPECT_EQ(check->rows_refused(), 5);
  EXPECT_EQ(check->refused.at("missing_value").first_line, 3);
  EXPECT_EQ(check->refused.at("wrong_type").first_line, 4);
  EXPECT_EQ(check->refused.at("out_of_range").rows, 2);
  EXPECT_EQ(check->refused.at("out_of_range").first_line, 5);
  EXPECT_THAT(check->refused.at("out_of_range").first_message, HasSubstr("expected 0 or 1"));
  EXPECT_EQ(check->refused.at("unknown_scene").first_line, 7);
  EXPECT_THAT(check->absent, ElementsAre("feature 'stock'"));
  EXPECT_THAT(check->unused, ElementsAre("colour"));
  EXPECT_THAT(check->scene_rows, ElementsAre(2, 1));
  EXPECT_THAT(check->labels[0], ElementsAre(2, 1));
  EXPECT_THAT(check->labels[1], ElementsAre(1, 0));
}

TEST_F(DataCheckTest, LabelsThatTheirConditionTakesOutAreNotCounted) {
  v1::ModelFile file = spec_->file();
  file.mutable_tasks(1)->mutable_defined_when()->set_task("click");
  const auto spec = ModelSpec::Create(file);
  ASSERT_TRUE(spec.ok()) << spec.status();
  const auto check = CheckData(**spec,
                               Write("scene,time,user,item,Price (EUR),click,spend\n"
                                     "search,2024-01-01,u1,5,9.5,1,20\n"
                                     "search,2024-01-01,u1,5,9.5,0,20\n"
                                     "search,2024-01-01,u1,5,9.5,,20\n"
                                     "search,2024-01-01,u1,5,9.5,1,\n"),
                               1000);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_THAT(check->labels[0], ElementsAre(3, 1));
}

TEST_F(DataCheckTest, OnlyTheFirstRowsAreLookedAt) {
  const auto check = CheckData(*spec_,
                               Write(Csv("scene,time,item,click", 10'000,
                                         [](int i) { return absl::StrCat("home,2024-01-01,", i, ",", i % 2); })),
                               100);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_FALSE(check->whole_file);
  EXPECT_GE(check->rows_read, 100);
  EXPECT_LT(check->rows_read, 5'000);
}

TEST_F(DataCheckTest, AHeaderThatDoesNotFitIsAnError) {
  const auto check = CheckData(*spec_, Write("user,click\nu,1\n"), 100);
  EXPECT_THAT(check.status().message(), HasSubstr("column 'item' of the required feature 'item'"));
}

TEST_F(DataCheckTest, AReportNamesEverythingTheModelIs) {
  const std::string text = ModelText(*spec_);
  EXPECT_THAT(text, HasSubstr("4 features, 2 scenes, 2 tasks, fingerprint " + spec_->fingerprint_hex()));
  EXPECT_THAT(text, HasSubstr("numeric of the log, STANDARD -> 2"));
  EXPECT_THAT(text, HasSubstr("column 'Price (EUR)'"));
  EXPECT_THAT(text, HasSubstr("click x spend^0.5"));
  EXPECT_THAT(text, HasSubstr("inputs a row: 28 (16 embedding, 4 dense, 8 scene)"));
  // 2 x 8; 4 x (29 x 64 + 65 x 32); 29 x 2 x 4; 2 x 33 x 16; 2 x 17.
  EXPECT_THAT(
      text,
      HasSubstr("dense parameters: 17,082 (scene embedding 16, experts 15,744, gates 232, towers 1,056, heads 34)"));

  v1::ModelFile file = spec_->file();
  v1::Table& own = *file.add_tables();
  own.set_name("item");
  own.mutable_optimizer()->mutable_ftrl()->set_l1(0.5);
  const auto apart = ModelSpec::Create(file);
  ASSERT_TRUE(apart.ok()) << apart.status();
  EXPECT_THAT(ModelText(**apart), HasSubstr("rows of table 'item': ftrl { alpha: 0.05 beta: 1 l1: 0.5"));

  const Json json = ModelJson(*spec_);
  EXPECT_EQ(json["dense_parameters"], 17082);
  EXPECT_EQ(json["features"][1]["encodings"][0]["table"], "item");
  EXPECT_EQ(json["scenes"][0]["rank_by"][1]["power"], 0.5);
}

// The sentence of the report, tried.
TEST_F(DataCheckTest, WhatMayChangeOnADataDirectoryKeepsTheFingerprint) {
  const auto fingerprint = [&](auto change) {
    v1::ModelFile file = spec_->file();
    change(file);
    const auto changed = ModelSpec::Create(file);
    EXPECT_TRUE(changed.ok()) << changed.status();
    return (*changed)->fingerprint();
  };
  const uint64_t before = spec_->fingerprint();
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.set_name("other"); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_features(2)->set_column("price"); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_files()->set_scene_column("where"); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_learning()->set_step_rows(7); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_scenes(0)->clear_rank_by(); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_tasks(0)->set_weight(3); }), before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) {
              file.mutable_tasks(1)->mutable_regression()->mutable_loss()->mutable_mse();
            }),
            before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_tasks(1)->clear_missing_outside(); }), before);
  EXPECT_EQ(fingerprint(
                [](v1::ModelFile& file) { file.mutable_tasks(1)->mutable_defined_when()->set_task("click"); }),
            before);
  EXPECT_EQ(
      fingerprint([](v1::ModelFile& file) { file.mutable_dense_optimizer()->mutable_adam()->set_learning_rate(0.5); }),
      before);
  EXPECT_EQ(fingerprint([](v1::ModelFile& file) { file.mutable_features(1)->set_required(false); }), before);

  EXPECT_NE(fingerprint([](v1::ModelFile& file) { file.set_seed(9); }), before);
  EXPECT_NE(fingerprint([](v1::ModelFile& file) { file.mutable_features(2)->set_required(true); }), before);
  EXPECT_NE(fingerprint([](v1::ModelFile& file) {
              file.mutable_tasks(1)->mutable_regression()->mutable_transform()->set_scale(2);
            }),
            before);
  EXPECT_NE(fingerprint([](v1::ModelFile& file) { file.mutable_network()->set_tower(0, 8); }), before);
  EXPECT_NE(fingerprint([](v1::ModelFile& file) { file.mutable_dense_optimizer()->mutable_sgd(); }), before);
  EXPECT_NE(
      fingerprint([](v1::ModelFile& file) { file.mutable_row_optimizer()->mutable_adagrad()->set_initial_range(0.5); }),
      before);
}

using NewFileTest = InitTest;

TEST_F(NewFileTest, AFileThatIsThereStaysUnlessItMayBeReplaced) {
  const std::string path = (directory_.path() / "m.textproto").string();
  ASSERT_TRUE(WriteNewFile(path, "first", false).ok());
  EXPECT_EQ(WriteNewFile(path, "second", false).code(), absl::StatusCode::kAlreadyExists);
  const auto text = [&] {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(text(), "first");
  EXPECT_TRUE(WriteNewFile(path, "third", true).ok());
  EXPECT_EQ(text(), "third");
  EXPECT_EQ(WriteNewFile((directory_.path() / "no" / "m").string(), "x", false).code(), absl::StatusCode::kNotFound);
  const auto files = std::filesystem::directory_iterator(directory_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "no temporary file is left";
}

}  // namespace
}  // namespace polyscene
