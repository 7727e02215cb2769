// The model file as a whole: all mistakes at once, defaults, and what names are resolved to.
#include "model/spec/model_spec.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "model/spec/row_stores.h"
#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Parse, TellsEveryMistakeAtOnceInTheOrderOfTheText) {
  const auto spec = ModelSpec::Parse(R"(name: "shop"
feature { name: "x" }
features {
  nmae: "user" side: CONTXT type: INT64
	encode { hash { embedding { dimension: 0 } } }  # A tab before it.
}
scenes { name: "a b" tasks: ["click", "buy"] }
tasks { name: "click" binary { } weight: "much" }
network { mmoe { experts: 1 } }
learning { step_rows: -3 }
)",
                                     "shop.textproto");

  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(spec.status().message()),
            "shop.textproto:2:1: a ModelFile has no field 'feature'; did you mean 'features'?\n"
            "shop.textproto:4:3: a Feature has no field 'nmae'; did you mean 'name'?\n"
            "shop.textproto:4:16: side is 'CONTXT', expected CONTEXT or CANDIDATE\n"
            "shop.textproto:5:30: dimension is 0, expected 1 to 512\n"
            "shop.textproto:7:10: scene name is 'a b', expected letters, digits, '_', '.', '-'\n"
            "shop.textproto:7:39: there is no task 'buy'; expected one of 'click'\n"
            "shop.textproto:8:34: weight is \"much\", expected a number\n"
            "shop.textproto:9:11: no hidden layers, expected the width of at least one\n"
            "shop.textproto:9:18: experts is 1, expected 2 to 64\n"
            "shop.textproto:10:12: step_rows is -3, expected 1 to 1048576");
}

TEST(Parse, LooksAtNothingAfterBrokenSyntax) {
  const auto spec = ModelSpec::Parse("nmae: \"shop\"\nfeatures {\n  name \"x\"\n}\nlearning { step_rows: -3 }\n", "m");
  EXPECT_EQ(std::string(spec.status().message()),
            "m:1:1: a ModelFile has no field 'nmae'; did you mean 'name'?\n"
            "m:3:8: got \"x\", expected ':' after 'name'");
}

TEST(Parse, TellsWhatAnEmptyFileLacks) {
  const auto spec = ModelSpec::Parse("", "m");
  EXPECT_EQ(std::string(spec.status().message()),
            "m:1:1: the model has no name, expected name: \"...\", for people\n"
            "m:1:1: the model has no features, expected at least one\n"
            "m:1:1: the model has no scenes, expected at least one\n"
            "m:1:1: the model has no tasks, expected at least one\n"
            "m:1:1: the model has no network, expected network { } with shared_bottom, mmoe, ple or single in it");
}

TEST(Parse, TellsTheElementOfAListThatStartsWithOtherForms) {
  const Told told =
      Tell(Changed("tasks: [\"click\", \"aisle\"]", "tasks: \"click\" tasks: [\"aisle\", ^\"a1\"] ^tasks: \"a2\""),
           "there is no task 'a1'; expected one of 'click', 'aisle', 'spend', 'demand'\n"
           "there is no task 'a2'; expected one of 'click', 'aisle', 'spend', 'demand'");
  EXPECT_EQ(told.got, told.want);
}

TEST(Parse, TakesBinaryJunkForBrokenText) {
  std::string junk;
  for (int i = 0; i < 4096; ++i) junk += static_cast<char>(i * 37 % 251);
  const auto spec = ModelSpec::Parse(junk, "junk");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(spec.status().message()), testing::StartsWith("junk:1:"));
}

TEST(Parse, KeepsTheText) { EXPECT_EQ(Good(kGoodModel)->text(), kGoodModel); }

TEST(Create, NamesFieldsWhereThereIsNoText) {
  v1::ModelFile file = Good(kGoodModel)->file();
  file.mutable_features(2)->mutable_encode(0)->mutable_hash()->mutable_embedding()->set_dimension(600);
  file.mutable_scenes(1)->set_tasks(0, "clack");
  file.mutable_network()->mutable_mmoe()->set_hidden(1, 0);

  const auto spec = ModelSpec::Create(file);

  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(spec.status().message()),
            "features[2].encode[0].hash.embedding.dimension: dimension is 600, expected 1 to 512\n"
            "features[2].encode[0].hash.embedding.dimension: dimension is 600 in table 'item', expected 4 as feature "
            "'recent' has it\n"
            "scenes[1].tasks[0]: there is no task 'clack'; did you mean 'click'?\n"
            "network.mmoe.hidden[1]: hidden has width 0, expected 1 to 16384");
}

TEST(Create, GivesWhatParseGives) {
  const auto parsed = Good(kGoodModel);
  const auto created = ModelSpec::Create(parsed->file());
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_TRUE(MessageDifferencer::Equals((*created)->file(), parsed->file()));  // Defaults of defaults change nothing.
  EXPECT_EQ((*created)->fingerprint(), parsed->fingerprint());
  EXPECT_THAT((*created)->text(), IsEmpty());
}

TEST(Load, NamesAFileThatIsNotThere) {
  const auto spec = ModelSpec::Load("/nowhere/model.textproto");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("/nowhere/model.textproto"));
}

TEST(Load, NamesADirectory) {
  const auto spec = ModelSpec::Load("/tmp");
  EXPECT_FALSE(spec.ok());
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr("cannot read /tmp"));
}

TEST(Load, ReadsAFileAndTellsItsName) {
  const std::string path = std::filesystem::temp_directory_path() / ("model_spec_test_" + std::to_string(getpid()));
  std::ofstream(path) << kGoodModel;
  EXPECT_TRUE(ModelSpec::Load(path).ok());
  std::ofstream(path) << "x";
  EXPECT_THAT(std::string(ModelSpec::Load(path).status().message()), HasSubstr(path + ":1:2: got the end of the file"));
  std::remove(path.c_str());
}

// ---- defaults ----

TEST(Defaults, AreFilledIn) {
  const auto spec = Good(R"(name: "m"
    features {
      name: "a" side: CONTEXT type: INT64 sequence { }
      encode { hash { embedding { dimension: 1 } } }
      encode { hash { embedding { dimension: 1 table: "own" } } }
      encode { vocabulary { values: "7" embedding { dimension: 1 } } }
    }
    features { name: "b" side: CONTEXT type: FLOAT encode { numeric { } } }
    scenes { name: "s" tasks: ["f", "r", "h"] }
    tasks { name: "f" forecast { horizon: 3 } }
    tasks { name: "r" regression { } }
    tasks { name: "h" regression { loss { huber { } } } }
    network { shared_bottom { hidden: 4 } })");
  const v1::ModelFile& file = spec->file();

  EXPECT_EQ(file.seed(), 1);
  EXPECT_EQ(file.features(0).column(), "a");
  EXPECT_EQ(file.features(0).sequence().pooling(), v1::Sequence::MEAN);
  EXPECT_EQ(file.features(0).sequence().max_length(), 50);
  EXPECT_EQ(file.features(0).encode(0).hash().embedding().table(), "a");
  EXPECT_EQ(file.features(0).encode(1).hash().embedding().table(), "own");
  EXPECT_EQ(file.features(0).encode(2).vocabulary().embedding().table(), "a_3");
  EXPECT_EQ(file.features(1).encode(0).numeric().scaling(), v1::Numeric::STANDARD);
  EXPECT_THAT(file.scenes(0).features(), ElementsAre("a", "b"));
  EXPECT_THAT(file.tasks(0).columns(), ElementsAre("f_1", "f_2", "f_3"));
  EXPECT_EQ(file.tasks(0).weight(), 1);
  EXPECT_TRUE(file.tasks(0).forecast().loss().has_mse());
  EXPECT_EQ(file.tasks(1).column(), "r");
  EXPECT_EQ(file.tasks(1).regression().transform().scale(), 1);
  EXPECT_EQ(file.tasks(2).regression().loss().huber().delta(), 1);
  EXPECT_EQ(file.network().scene_adaptation(), v1::NO_ADAPTATION);
  EXPECT_EQ(file.dense_optimizer().adam().learning_rate(), 0.001);
  EXPECT_EQ(file.dense_optimizer().adam().beta1(), 0.9);
  EXPECT_EQ(file.dense_optimizer().adam().beta2(), 0.999);
  EXPECT_EQ(file.dense_optimizer().adam().epsilon(), 1e-8);
  EXPECT_EQ(file.row_optimizer().adagrad().learning_rate(), 0.05);
  EXPECT_EQ(file.row_optimizer().adagrad().initial_accumulator(), 0);
  EXPECT_EQ(file.row_optimizer().adagrad().epsilon(), 1e-8);
  EXPECT_EQ(file.row_optimizer().adagrad().initial_range(), 0.05);
  EXPECT_EQ(file.learning().step_rows(), 256);
  EXPECT_EQ(file.learning().step_wait_seconds(), 0.1);
  EXPECT_EQ(file.learning().publish_interval_seconds(), 1);
  EXPECT_EQ(file.serving().latency_target_seconds(), 0.01);
  EXPECT_EQ(file.learning().checkpoint_interval_seconds(), 60);
  EXPECT_EQ(file.learning().evaluation_window_rows(), 20000);
  EXPECT_EQ(file.files().scene_column(), "scene");
  EXPECT_EQ(file.files().event_time_column(), "");
}

TEST(Defaults, OfSgd) {
  const auto spec = Good(Changed("adam { learning_rate: 0.01 }", "sgd { }"));
  EXPECT_EQ(spec->file().dense_optimizer().sgd().learning_rate(), 0.01);
}

TEST(Defaults, OfTheOtherDenseOptimizers) {
  constexpr char kAdam[] = "adam { learning_rate: 0.01 }";
  const auto adam_w = Good(Changed(kAdam, "adam_w { }"))->file().dense_optimizer();
  EXPECT_EQ(adam_w.adam_w().learning_rate(), 0.001);
  EXPECT_EQ(adam_w.adam_w().beta2(), 0.999);
  EXPECT_EQ(adam_w.adam_w().weight_decay(), 0.01);
  EXPECT_EQ(adam_w.tower_factor(), 1);
  EXPECT_EQ(adam_w.clip_norm(), 0);
  const auto adagrad =
      Good(Changed(kAdam, "adagrad { } schedule { inverse_square_root { } }"))->file().dense_optimizer();
  EXPECT_EQ(adagrad.adagrad().learning_rate(), 0.01);
  EXPECT_EQ(adagrad.adagrad().epsilon(), 1e-10);
  EXPECT_EQ(adagrad.schedule().inverse_square_root().steps(), 1000);
}

TEST(Defaults, OfDriftDetection) {
  const v1::PageHinkley test = Good(kGoodModel)->file().learning().drift().page_hinkley();
  EXPECT_EQ(test.tolerance(), 0.05);
  EXPECT_EQ(test.threshold(), 200);
  EXPECT_EQ(test.minimum_rows(), 5000);
  EXPECT_TRUE(Good(Changed("step_rows: 64", "drift { none { } }"))->file().learning().drift().has_none());
}

TEST(Defaults, OfLossBalances) {
  const auto balance_of = [](const char* text) {
    return Good(Changed("learning { step_rows: 64 }", absl::StrCat("loss_balance { ", text, " }")))
        ->file()
        .loss_balance();
  };
  EXPECT_TRUE(Good(kGoodModel)->file().loss_balance().has_fixed());
  EXPECT_EQ(Good(kGoodModel)->file().loss_balance().measure_every_steps(), 200);
  EXPECT_EQ(balance_of("measure_every_steps: -1").measure_every_steps(), -1);
  EXPECT_EQ(balance_of("uncertainty { }").uncertainty().learning_rate(), 0.001);
  EXPECT_EQ(balance_of("grad_norm { }").grad_norm().alpha(), 1.5);
  EXPECT_EQ(balance_of("grad_norm { }").grad_norm().learning_rate(), 0.025);
  EXPECT_EQ(balance_of("grad_norm { }").grad_norm().every_steps(), 50);
  EXPECT_EQ(balance_of("dynamic_weight_average { }").dynamic_weight_average().temperature(), 2);
  EXPECT_EQ(balance_of("dynamic_weight_average { }").dynamic_weight_average().span_steps(), 200);
}

TEST(Defaults, OfFocalAndPoisson) {
  const auto focal = Good(Changed("binary { }", "binary { focal { } }"));
  EXPECT_EQ(focal->tasks()[0].focal_gamma, 2);
  EXPECT_EQ(Good(kGoodModel)->tasks()[0].focal_gamma, 0);
  const auto poisson = Good(Changed("forecast { horizon: 2 }", "forecast { horizon: 2 loss { poisson { } } }"));
  EXPECT_TRUE(poisson->tasks()[3].poisson);
  EXPECT_FALSE(poisson->tasks()[2].poisson);
  EXPECT_EQ(poisson->tasks()[3].scale, 1);
}

// ---- resolution ----

TEST(Resolution, NumbersSlotsTablesDenseInputsAndStatisticsInTheFilesOrder) {
  const auto spec = Good(kGoodModel);

  ASSERT_EQ(spec->tables().size(), 4);  // "item" is shared.
  EXPECT_EQ(spec->tables()[0].name, "user_id");
  EXPECT_EQ(spec->tables()[1].name, "item");
  EXPECT_EQ(spec->tables()[2].name, "price");
  EXPECT_EQ(spec->tables()[3].name, "colour");
  EXPECT_EQ(spec->tables()[1].dimension, 4);
  EXPECT_EQ(spec->tables()[3].dimension, 2);

  ASSERT_EQ(spec->slots().size(), 5);
  EXPECT_TRUE(spec->slots()[1].sequence);
  EXPECT_EQ(spec->slots()[1].feature, 1);
  EXPECT_EQ(spec->slots()[1].table, 1);
  EXPECT_EQ(spec->slots()[2].feature, 2);
  EXPECT_EQ(spec->slots()[2].table, 1);
  EXPECT_EQ(spec->slots()[4].dimension, 2);

  const FeatureSpec& price = spec->features()[3];
  ASSERT_EQ(price.encodings.size(), 2);
  EXPECT_EQ(price.encodings[0].kind, EncodingSpec::Kind::kNumeric);
  EXPECT_EQ(price.encodings[0].dense_offset, 0);
  EXPECT_EQ(price.encodings[0].dense_width, 2);  // With its missing indicator.
  EXPECT_EQ(price.encodings[0].statistics, 0);
  EXPECT_EQ(price.encodings[0].slot, -1);
  EXPECT_EQ(price.encodings[1].slot, 3);
  EXPECT_EQ(price.encodings[1].dense_offset, -1);
  EXPECT_THAT(price.encodings[1].boundaries, ElementsAre(10, 20, 50));

  const FeatureSpec& colour = spec->features()[4];
  EXPECT_EQ(colour.encodings[0].dense_offset, 2);
  EXPECT_EQ(colour.encodings[0].dense_width, 2);
  EXPECT_EQ(colour.encodings[0].statistics, -1);
  EXPECT_THAT(colour.encodings[0].values, ElementsAre("red", "blue"));
  EXPECT_EQ(colour.encodings[1].feature, 4);
  EXPECT_EQ(spec->dense_width(), 4);
  EXPECT_EQ(spec->statistics_count(), 1);
}

TEST(Resolution, ATablesRowPolicyIsItsOwnOrElseTheModels) {
  const auto spec = Good(Changed("learning { ",
                                 "rows { admit_after: 2 expire_after_rows: 5000 }\n"
                                 "tables { name: \"item\" rows { max_bytes: 2000000 } }\nlearning { "));
  EXPECT_EQ(spec->tables()[0].admit_after, 2);
  EXPECT_EQ(spec->tables()[0].expire_after_rows, 5000);
  EXPECT_EQ(spec->tables()[0].max_bytes, 0);
  EXPECT_EQ(spec->tables()[1].admit_after, 1);
  EXPECT_EQ(spec->tables()[1].expire_after_rows, 0);
  EXPECT_EQ(spec->tables()[1].max_bytes, 2'000'000);
}

TEST(Resolution, TablesAreKeptTogetherByWhatIsKeptOfTheirRows) {
  const auto stores = [](const std::string& rest) {
    return StoresOfTables(*Good(Changed("learning { ", rest + "\nlearning { ")));
  };
  // user_id and item are of dimension 4, price and colour of 2.
  EXPECT_THAT(stores(""), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(stores("rows { admit_after: 2 }"), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(stores("rows { expire_after_rows: 5000 }"), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(stores("tables { name: \"item\" rows { expire_after_rows: 5000 } }"), ElementsAre(0, 1, 2, 2));
  EXPECT_THAT(stores("rows { max_bytes: 2000000 }"), ElementsAre(0, 1, 2, 3));
}

TEST(Resolution, AValueThatMayNotBeMissingHasNoIndicator) {
  const auto spec = Good(Changed("type: FLOAT", "type: FLOAT required: true"));
  EXPECT_EQ(spec->features()[3].encodings[0].dense_width, 1);
  EXPECT_EQ(spec->dense_width(), 3);
}

TEST(Resolution, UnscaledNumbersHaveNoStatistics) {
  const auto spec = Good(Changed("scaling: STANDARD", "scaling: NONE log1p: true"));
  EXPECT_EQ(spec->statistics_count(), 0);
  EXPECT_EQ(spec->features()[3].encodings[0].statistics, -1);
  EXPECT_TRUE(spec->features()[3].encodings[0].log1p);
}

TEST(Resolution, ValuesOfIntegersAreIntegers) {
  const auto spec = Good(Changed("INT64\n  encode { hash { embedding { dimension: 4 } } }",
                                 "INT64\n  encode { one_hot { values: [\"-3\", \"07\"] } }"));
  EXPECT_THAT(spec->features()[0].encodings[0].int_values, ElementsAre(-3, 7));
  EXPECT_THAT(spec->features()[0].encodings[0].values, IsEmpty());
}

TEST(Resolution, TasksHaveTheirOutputsLabelsAndTransforms) {
  const auto spec = Good(kGoodModel);
  const TaskSpec& click = spec->tasks()[0];
  EXPECT_EQ(click.kind, TaskSpec::Kind::kBinary);
  EXPECT_EQ(click.outputs, 1);
  EXPECT_THAT(click.columns, ElementsAre("click"));
  EXPECT_FALSE(click.has_range);

  const TaskSpec& aisle = spec->tasks()[1];
  EXPECT_EQ(aisle.kind, TaskSpec::Kind::kMultiClass);
  EXPECT_EQ(aisle.outputs, 3);
  EXPECT_EQ(aisle.label_width, 1);

  const TaskSpec& spend = spec->tasks()[2];
  EXPECT_EQ(spend.kind, TaskSpec::Kind::kRegression);
  EXPECT_TRUE(spend.huber);
  EXPECT_EQ(spend.huber_delta, 2);
  EXPECT_TRUE(spend.log1p);
  EXPECT_EQ(spend.scale, 2);
  EXPECT_TRUE(spend.has_range);
  EXPECT_EQ(spend.range_max, 1000);

  const TaskSpec& demand = spec->tasks()[3];
  EXPECT_EQ(demand.kind, TaskSpec::Kind::kForecast);
  EXPECT_EQ(demand.outputs, 2);
  EXPECT_EQ(demand.label_width, 2);
  EXPECT_THAT(demand.columns, ElementsAre("d1", "d2"));
  EXPECT_EQ(demand.scale, 1);
}

TEST(Resolution, ScenesKnowTheirTasksFeaturesAndRank) {
  const auto spec = Good(kGoodModel);
  const SceneSpec& search = spec->scenes()[spec->FindScene("search")];
  EXPECT_THAT(search.tasks, ElementsAre(0, 1));
  EXPECT_THAT(search.has_task, ElementsAre(true, true, false, false));
  EXPECT_THAT(search.has_feature, ElementsAre(true, true, true, true, true));
  EXPECT_TRUE(search.has_candidates);
  ASSERT_EQ(search.rank_by.size(), 1);
  EXPECT_EQ(search.rank_by[0].task, 0);
  EXPECT_EQ(search.rank_by[0].power, 1);

  const SceneSpec& home = spec->scenes()[1];
  EXPECT_THAT(home.has_feature, ElementsAre(true, false, true, true, false));
  EXPECT_THAT(home.rank_by, IsEmpty());
}

TEST(Resolution, ASceneMayHaveNoCandidates) {
  const auto spec = Good(Changed("features: [\"user_id\", \"item\", \"price\"]", "features: \"user_id\""));
  EXPECT_TRUE(spec->scenes()[0].has_candidates);
  EXPECT_FALSE(spec->scenes()[1].has_candidates);
}

TEST(Resolution, FindsByName) {
  const auto spec = Good(kGoodModel);
  EXPECT_EQ(spec->FindFeature("price"), 3);
  EXPECT_EQ(spec->FindFeature("prize"), -1);
  EXPECT_EQ(spec->FindScene("home"), 1);
  EXPECT_EQ(spec->FindScene(""), -1);
  EXPECT_EQ(spec->FindTask("demand"), 3);
  EXPECT_EQ(spec->FindTask("home"), -1);
  EXPECT_EQ(spec->SceneNames(), "search, home");
  EXPECT_EQ(spec->TaskNames(spec->scenes()[1]), "click, spend, demand");
}

}  // namespace
}  // namespace polyscene
