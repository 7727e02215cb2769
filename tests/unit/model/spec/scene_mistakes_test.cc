// Mistakes in scenes and tasks, each told at its place, which '^' marks.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using Case = MistakeCase;

class SceneMistake : public testing::TestWithParam<Case> {};

TEST_P(SceneMistake, IsToldWhereItStands) {
  const Told told = Tell(Changed(GetParam().from, GetParam().to), GetParam().whats);
  EXPECT_EQ(told.got, told.want);
}

constexpr char kHomeTasks[] = "[\"click\", \"spend\", \"demand\"]";
constexpr char kHomeFeatures[] = "[\"user_id\", \"item\", \"price\"]";
constexpr char kRankBy[] = "rank_by { factors { task: \"click\" } }";

INSTANTIATE_TEST_SUITE_P(
    Scenes, SceneMistake,
    testing::Values(Case{"NameWithAStar", "name: \"home\"", "^name: \"*\"",
                         "scene name is '*', expected letters, digits, '_', '.', '-'"},
                    Case{"NotUnique", "name: \"home\"", "^name: \"search\"",
                         "scene 'search' is there already, expected unique names"},
                    Case{"NoTasks", "scenes {\n  name: \"home\"\n",
                         "^scenes { name: \"x\" }\nscenes {\n  name: \"home\"\n",
                         "scene 'x' has no tasks, expected at least one"},
                    Case{"UnknownTask", kHomeTasks, "[\"click\", \"spend\", \"demand\", ^\"clikc\"]",
                         "there is no task 'clikc'; did you mean 'click'?"},
                    Case{"UnknownTaskLikeNoOther", kHomeTasks, "[\"click\", \"spend\", \"demand\", ^\"conversion\"]",
                         "there is no task 'conversion'; expected one of 'click', 'aisle', 'spend', 'demand'"},
                    Case{"TaskListedAgain", kHomeTasks, "[\"click\", \"spend\", \"demand\", ^\"click\"]",
                         "task 'click' is listed again, expected each once"},
                    Case{"UnknownFeature", kHomeFeatures, "[\"user_id\", \"item\", ^\"prize\", \"price\"]",
                         "there is no feature 'prize'; did you mean 'price'?"},
                    Case{"FeatureListedAgain", kHomeFeatures, "[\"user_id\", \"item\", \"price\", ^\"item\"]",
                         "feature 'item' is listed again, expected each once"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    RankBy, SceneMistake,
    testing::Values(
        Case{"NoFactors", kRankBy, "^rank_by { }", "rank_by has no factors, expected at least one"},
        Case{"TaskOfAnotherScene", kRankBy, "rank_by { factors { ^task: \"spend\" } }",
             "rank_by names 'spend', not a task of scene 'search'; expected one of 'click', 'aisle'"},
        Case{"Classes", kRankBy, "rank_by { factors { ^task: \"aisle\" } }",
             "rank_by names 'aisle', a multi_class task, expected a binary or regression task"},
        Case{"Forecast", kHomeTasks, "[\"click\", \"spend\", \"demand\"] rank_by { factors { ^task: \"demand\" } }",
             "rank_by names 'demand', a forecast task, expected a binary or regression task"},
        Case{"NegativePower", kRankBy, "rank_by { factors { task: \"click\" ^power: -1 } }",
             "power is -1, expected a number above 0"},
        Case{"TaskAgain", kRankBy, "rank_by { factors { task: \"click\" } factors { ^task: \"click\" } }",
             "rank_by names 'click' again, expected each once (with another power)"},
        Case{"NothingToRank", "features: [\"user_id\", \"item\", \"price\"]",
             "features: [\"user_id\"] ^rank_by { factors { task: \"click\" } }",
             "rank_by in scene 'home' without CANDIDATE features, expected at least one to rank candidates by"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Tasks, SceneMistake,
    testing::Values(
        Case{"NoName", "tasks { name: \"click\" binary { } }",
             "tasks { name: \"click\" binary { } }\n^tasks { binary { } }",
             "the task has no name, expected one of letters, digits, '_', '.', '-'"},
        Case{"NameWithASpace", "tasks { name: \"click\" binary { } }",
             "tasks { name: \"click\" binary { } }\ntasks { ^name: \"a click\" binary { } }",
             "task name is 'a click', expected letters, digits, '_', '.', '-'"},
        Case{"NotUnique", "tasks { name: \"aisle\"", "tasks { ^name: \"click\" binary { } }\ntasks { name: \"aisle\"",
             "task 'click' is there already, expected unique names"},
        Case{"NoKind", "tasks { name: \"click\" binary { } }", "^tasks { name: \"click\" }",
             "task 'click' has no kind, expected one of binary, multi_class, regression, forecast, product"},
        Case{"InNoScene", "binary { } }\n", "binary { } }\ntasks { ^name: \"unused\" binary { } }\n",
             "task 'unused' is in no scene, expected it in the tasks of at least one"},
        Case{"NegativeWeight", "binary { }", "binary { } ^weight: -1", "weight is -1, expected a number above 0"},
        Case{"InfiniteWeight", "binary { }", "binary { } ^weight: inf", "weight is inf, expected a number above 0"},
        Case{"OneClass", "classes: 3", "^classes: 1", "classes is 1, expected 2 to 1000"},
        Case{"TooManyClasses", "classes: 3", "^classes: 1001", "classes is 1001, expected 2 to 1000"},
        Case{"NoHorizon", "forecast { horizon: 2 } columns: [\"d1\", \"d2\"]", "^forecast { }",
             "horizon is 0, expected 1 to 366"},
        Case{"TooLongHorizon", "horizon: 2 } columns: [\"d1\", \"d2\"]", "^horizon: 367 }",
             "horizon is 367, expected 1 to 366"},
        Case{"NegativeGamma", "binary { }", "binary { focal { ^gamma: -1 } }",
             "gamma is -1, expected a number above 0"},
        Case{"TransformUnderPoisson", "loss { huber { delta: 2 } } transform { log1p: true scale: 2 }",
             "loss { poisson { } } ^transform { log1p: true }",
             "a transform on task 'spend', whose loss is poisson, expected none: it fits a logarithm already"},
        Case{"ScaleUnderPoisson", "forecast { horizon: 2 }",
             "forecast { horizon: 2 loss { poisson { } } ^transform { scale: 2 } }",
             "a transform on task 'demand', whose loss is poisson, expected none: it fits a logarithm already"},
        Case{"CenterUnderPoisson", "forecast { horizon: 2 }",
             "forecast { horizon: 2 loss { poisson { } } ^transform { center: 2 } }",
             "a transform on task 'demand', whose loss is poisson, expected none: it fits a logarithm already"},
        Case{"QuantileOfOne", "huber { delta: 2 }", "pinball { ^quantile: 1 }",
             "quantile is 1, expected a number above 0 and below 1"},
        Case{"NegativeQuantile", "huber { delta: 2 }", "pinball { ^quantile: -0.5 }",
             "quantile is -0.5, expected a number above 0 and below 1"},
        Case{"StandardizedUnderPoisson", "forecast { horizon: 2 }",
             "forecast { horizon: 2 loss { poisson { } } ^transform { standardize: true } }",
             "a transform on task 'demand', whose loss is poisson, expected none: it fits a logarithm already"},
        Case{"StandardizedWithAScale", "log1p: true scale: 2", "log1p: true ^scale: 2 standardize: true",
             "scale is 2 on task 'spend', which is standardized, expected none: it follows the labels"},
        Case{"StandardizedWithACenter", "log1p: true scale: 2", "standardize: true ^center: -1",
             "center is -1 on task 'spend', which is standardized, expected none: it follows the labels"},
        Case{"CalibratedClasses", "classes: 3 }", "classes: 3 } ^calibration { platt { } }",
             "calibration on task 'aisle', expected it on a binary task only"},
        Case{"CalibrationOfNoKind", "binary { }", "binary { } ^calibration { }",
             "calibration of task 'click' has no kind, expected platt { }"},
        Case{"NegativeHalfLife", "binary { }", "binary { } calibration { platt { ^half_life_rows: -1 } }",
             "half_life_rows is -1, expected a number above 0"},
        Case{"NegativeDelta", "delta: 2", "^delta: -2", "delta is -2, expected a number above 0"},
        Case{"NegativeScale", "log1p: true scale: 2", "log1p: true ^scale: -2",
             "scale is -2, expected a number above 0"},
        Case{"CenterThatIsNoNumber", "log1p: true scale: 2", "log1p: true ^center: nan",
             "center is nan, expected a finite number"},
        Case{"RangeOnClasses", "classes: 3 }", "classes: 3 } ^missing_outside { max: 1 }",
             "missing_outside on task 'aisle', expected it on a regression or forecast only"},
        Case{"EmptyRange", "max: 1000", "^max: 0", "max is 0, expected above min, 0"},
        Case{"ForecastWithOneColumn", "columns: [\"d1\", \"d2\"]", "^column: \"d\"",
             "column on the forecast task 'demand', expected columns, one a step"},
        Case{"ColumnsForAnotherHorizon", "columns: [\"d1\", \"d2\"]", "columns: [^\"d1\"]",
             "columns lists 1, expected 2, one a step of the horizon"},
        Case{"ColumnListedAgain", "[\"d1\", \"d2\"]", "[\"d1\", ^\"d1\"]",
             "column 'd1' is listed again, expected each once"},
        Case{"EmptyColumn", "[\"d1\", \"d2\"]", "[\"d1\", ^\"\"]", "an empty column, expected a column's name"},
        Case{"ColumnsOfOneLabel", "binary { }", "binary { } ^columns: \"c\"",
             "columns on task 'click', expected column: only a forecast has several"},
        Case{"LabelThatIsAFeature", "binary { }", "binary { } ^column: \"price\"",
             "column 'price' is the label of task 'click' and a feature, expected it to be one of them"}),
    MistakeName);

}  // namespace
}  // namespace polyscene
