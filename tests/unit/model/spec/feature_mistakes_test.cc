// Mistakes in features and encodings, each told at its place, which '^' marks.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using Case = MistakeCase;

class FeatureMistake : public testing::TestWithParam<Case> {};

TEST_P(FeatureMistake, IsToldWhereItStands) {
  const Told told = Tell(Changed(GetParam().from, GetParam().to), GetParam().whats);
  EXPECT_EQ(told.got, told.want);
}

// Lines of the good model that are changed more than once.
constexpr char kNumeric[] = "encode { numeric { scaling: STANDARD } }";
constexpr char kOneHot[] = "encode { one_hot { values: [\"red\", \"blue\"] } }";
constexpr char kVocabulary[] = "vocabulary { values: [\"red\", \"blue\"] embedding";
constexpr char kBoundaries[] = "boundaries: [10, 20, 50]";
constexpr char kUser[] = "side: CONTEXT type: INT64\n  encode { hash { embedding { dimension: 4 } } }";

INSTANTIATE_TEST_SUITE_P(
    Features, FeatureMistake,
    testing::Values(
        Case{"NameWithASpace", "name: \"recent\" side", "^name: \"most recent\" side",
             "feature name is 'most recent', expected letters, digits, '_', '.', '-'"},
        Case{"NoName", "features {\n  name: \"recent\" side", "^features {\n  side",
             "the feature has no name, expected one of letters, digits, '_', '.', '-'"},
        Case{"NotUnique", "name: \"recent\"", "^name: \"user_id\"",
             "feature 'user_id' is there already, expected unique names"},
        Case{"NoSide", "features {\n  name: \"price\" side: CANDIDATE", "^features {\n  name: \"price\"",
             "feature 'price' has no side, expected CONTEXT or CANDIDATE"},
        Case{"SideSpelledOutAsUnspecified", "name: \"price\" side: CANDIDATE",
             "name: \"price\" ^side: SIDE_UNSPECIFIED", "feature 'price' has no side, expected CONTEXT or CANDIDATE"},
        Case{"NoType", "features {\n  name: \"price\" side: CANDIDATE type: FLOAT",
             "^features {\n  name: \"price\" side: CANDIDATE",
             "feature 'price' has no type, expected INT64, FLOAT or STRING"},
        Case{"NoEncoding",
             "features {\n  name: \"item\" side: CANDIDATE type: STRING\n  encode { hash { embedding { dimension: 4 } "
             "} }",
             "^features {\n  name: \"item\" side: CANDIDATE type: STRING",
             "feature 'item' has no encode, expected at least one encoding"},
        Case{"PersonalFraction", kUser,
             "side: CONTEXT type: FLOAT ^personal: true\n  encode { ^hash { embedding { dimension: 4 } } }",
             "feature 'user_id' is personal and FLOAT, expected INT64 or STRING\n"
             "hash on feature 'user_id' of type FLOAT, expected INT64 or STRING"},
        Case{"PersonalWithoutHash", kUser, "side: CONTEXT type: INT64 personal: true\n  encode { ^numeric { } }",
             "numeric on personal feature 'user_id', expected hash or crossed: only its keyed hash is kept"},
        Case{"SequenceOfFractions", "type: STRING\n  sequence { max_length: 20 }\n  encode { hash",
             "type: FLOAT\n  ^sequence { max_length: 20 }\n  encode { ^hash",
             "feature 'recent' is a sequence of FLOAT, expected INT64 or STRING, or a vector to encode it\n"
             "hash on feature 'recent' of type FLOAT, expected INT64 or STRING"},
        Case{"SequenceOneHot", "encode { hash { embedding { dimension: 4 table: \"item\" } } }",
             "encode { ^one_hot { values: \"x\" } }",
             "one_hot on sequence feature 'recent', expected hash or vocabulary"},
        Case{"NegativeLength", "max_length: 20", "^max_length: -1", "max_length is -1, expected 1 to 10000"},
        Case{"AttentionWithoutItsPooling", "max_length: 20", "max_length: 20 ^attention { to: \"item\" }",
             "attention without pooling: ATTENTION on feature 'recent', expected both or neither"},
        Case{"AttentionPoolingAlone", "max_length: 20", "max_length: 20 ^pooling: ATTENTION",
             "pooling is ATTENTION without attention on feature 'recent', expected both or neither"},
        Case{"AttentionToNothing", "max_length: 20",
             "max_length: 20 pooling: ATTENTION attention { ^to: \"itme\" ^hidden: 0 }",
             "to names feature 'itme', which is not in the model file\n"
             "hidden has width 0, expected 1 to 1024"},
        Case{"AttentionToANumber", "max_length: 20", "max_length: 20 pooling: ATTENTION attention { ^to: \"price\" }",
             "to names feature 'price', expected one that is no sequence, is not training_only and whose first "
             "encoding is "
             "an embedding"},
        Case{"CrossedWithItself", kUser,
             "side: CONTEXT type: INT64\n  encode { crossed { ^with: \"user_id\" embedding { dimension: 4 } } }",
             "with names feature 'user_id' again, expected each feature once"},
        Case{"CrossedWithANumberAndNothing", kUser,
             "side: CONTEXT type: INT64\n  encode { crossed { with: [^\"price\", ^\"none\"] embedding { dimension: 4 } "
             "} }",
             "with names feature 'price', which is FLOAT, expected INT64 or STRING, a single value and not "
             "training_only\n"
             "with names feature 'none', which is not in the model file"},
        Case{"CrossedWithNone", kUser,
             "side: CONTEXT type: INT64\n  encode { ^crossed { embedding { dimension: 4 } } }",
             "with lists 0, expected 1 to 3 other features"},
        Case{"VectorOfIntegers", kUser, "side: CONTEXT type: INT64\n  encode { ^vector { ^length: 5000 } }",
             "vector on feature 'user_id', expected it on a sequence of type FLOAT\n"
             "length is 5000, expected 1 to 4096"},
        Case{"VectorWithALengthTwice",
             "type: STRING\n  sequence { max_length: 20 }\n  encode { hash { embedding { "
             "dimension: 4 table: \"item\" } } }",
             "type: FLOAT\n  ^sequence { max_length: 20 }\n  encode { vector { length: 4 } }",
             "max_length or pooling on feature 'recent', expected neither: its vectors have one length and are not "
             "pooled"},
        Case{"RequiredInTrainingOnly", kUser,
             "side: CONTEXT type: INT64 required: true ^training_only { ^dropout: 1 ^exposed_position: true }\n  "
             "encode { "
             "hash { embedding { dimension: 4 } } }",
             "training_only on required feature 'user_id', expected it not required: requests that are scored do not "
             "have it\n"
             "dropout is 1, expected below 1\n"
             "exposed_position on feature 'user_id', expected it on a single INT64 value of the CANDIDATE side that is "
             "not "
             "personal"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Encodings, FeatureMistake,
    testing::Values(
        Case{"Empty", kNumeric, "^encode { }",
             "the encoding is empty, expected one of hash, vocabulary, one_hot, bucketize, numeric, crossed, vector"},
        Case{"NumericOfText", kOneHot, "encode { ^numeric { } }",
             "numeric on feature 'colour' of type STRING, expected INT64 or FLOAT"},
        Case{"HashOfFractions", kNumeric, "encode { ^hash { embedding { dimension: 2 table: \"p\" } } }",
             "hash on feature 'price' of type FLOAT, expected INT64 or STRING"},
        Case{"OneHotOfFractions", kNumeric, "encode { ^one_hot { values: \"1\" } }",
             "one_hot on feature 'price' of type FLOAT, expected INT64 or STRING"},
        Case{"NoEmbedding",
             "{ numeric { scaling: STANDARD } }\n  encode { bucketize { boundaries: [10, 20, 50] embedding { "
             "dimension: 2 } } }",
             "{ ^bucketize { boundaries: 1 } }", "no embedding, expected embedding { dimension: 1 to 512 }"},
        Case{"NoDimension", "[10, 20, 50] embedding { dimension: 2 }", "[10, 20, 50] ^embedding { }",
             "dimension is 0, expected 1 to 512"},
        Case{"TooLargeDimension", "[10, 20, 50] embedding { dimension: 2 }",
             "[10, 20, 50] embedding { ^dimension: 513 }", "dimension is 513, expected 1 to 512"},
        Case{"TableNameWithASlash", "[10, 20, 50] embedding { ", "[10, 20, 50] embedding { ^table: \"a/b\" ",
             "embedding table is 'a/b', expected letters, digits, '_', '.', '-'"},
        Case{"NoValues", kVocabulary, "^vocabulary { embedding", "values lists 0, expected at least one"},
        Case{"ValueListedAgain", kVocabulary, "vocabulary { values: [\"red\", \"blue\", ^\"red\"] embedding",
             "value 'red' is listed again, expected each once (it is number 1 already)"},
        Case{"NoOneHotValues", kOneHot, "encode { ^one_hot { } }", "values lists 0, expected 1 to 1000"},
        Case{"ValuesThatAreNoIntegers", kUser,
             "side: CONTEXT type: INT64\n  encode { one_hot { values: \"7\" ^values: \"seven\" ^values: \"07\" } }",
             "value 'seven' of INT64 feature 'user_id', expected an integer\n"
             "value '07' is listed again, expected each once (it is number 1 already)"},
        Case{"NoBoundaries", "bucketize { boundaries: [10, 20, 50] ", "^bucketize { ",
             "no boundaries, expected at least one"},
        Case{"BoundariesThatFall", kBoundaries, "boundaries: [10, 20, ^20, ^-5]",
             "boundary 20 after 20, expected them strictly ascending\nboundary -5 after 20, expected them strictly "
             "ascending"},
        Case{"InfiniteBoundary", kBoundaries, "boundaries: [10, ^inf]", "boundary inf, expected a finite number"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Tables, FeatureMistake,
    testing::Values(
        Case{"DimensionsThatDisagree", "[10, 20, 50] embedding { dimension: 2 }",
             "[10, 20, 50] embedding { dimension: 2 } } }\n  encode { bucketize { boundaries: 1 embedding { table: "
             "\"price\" ^dimension: 3 }",
             "dimension is 3 in table 'price', expected 2 as feature 'price' has it"},
        Case{"KindsThatDisagree", "[10, 20, 50] embedding { dimension: 2 }",
             "[10, 20, 50] embedding { dimension: 4 ^table: \"item\" }",
             "bucketize in table 'item', expected hash as feature 'recent' has it: their ids mean different things"},
        Case{
            "DefaultNamesThatCollide",
            "encode { hash { embedding { dimension: 4 } } }\n}\nfeatures {\n  name: \"recent\"",
            "encode { hash { embedding { dimension: 4 } } } encode { hash { embedding { dimension: 4 } } }\n}\n"
            "features { name: \"user_id_2\" side: CONTEXT type: INT64 encode { hash { ^embedding { dimension: 4 } } } "
            "}\n"
            "features {\n  name: \"recent\"",
            "the default table 'user_id_2' is feature 'user_id''s already, expected a table: \"...\" of its own here"}),
    MistakeName);

TEST(FeatureMistakes, AFeatureInNoSceneIsOne) {
  const auto spec =
      ModelSpec::Parse(Changed("[\"click\", \"aisle\"]", "[\"click\", \"aisle\"] features: [\"item\"]"), "m.textproto");
  EXPECT_EQ(std::string(spec.status().message()),
            "m.textproto:7:3: feature 'recent' is in no scene, expected it in the features of at least one\n"
            "m.textproto:21:3: feature 'colour' is in no scene, expected it in the features of at least one");
}

TEST(FeatureMistakes, OneHotTakesAThousandValues) {
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "values: \"" + std::to_string(i) + "\" ";
  EXPECT_NE(Good(Changed(kOneHot, "encode { one_hot { " + thousand + "} }")), nullptr);

  const Told told = Tell(Changed(kOneHot, "encode { one_hot { ^" + thousand + "values: \"more\" } }"),
                         "values lists 1001, expected 1 to 1000");
  EXPECT_EQ(told.got, told.want);
}

TEST(FeatureReferences, AreInEachSceneThatListsTheFeature) {
  const auto spec = ModelSpec::Parse(
      Changed(kUser, "side: CONTEXT type: INT64\n  encode { crossed { with: \"colour\" embedding { dimension: 4 } } }"),
      "m.textproto");
  EXPECT_THAT(
      std::string(spec.status().message()),
      testing::HasSubstr("scene 'home' has feature 'user_id' without 'colour', which it is crossed with, expected "
                         "both"));
}

}  // namespace
}  // namespace polyscene
