// What does not fit the schema, and broken syntax: each told at its place, which '^' marks.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using Case = MistakeCase;

class TextMistake : public testing::TestWithParam<Case> {};

TEST_P(TextMistake, IsToldWhereItStands) {
  const Told told = Tell(Changed(GetParam().from, GetParam().to), GetParam().whats);
  EXPECT_EQ(told.got, told.want);
}

INSTANTIATE_TEST_SUITE_P(
    Schema, TextMistake,
    testing::Values(
        Case{"UnknownFieldNearAKnownOne", "scaling: STANDARD", "^scalling: STANDARD",
             "a Numeric has no field 'scalling'; did you mean 'scaling'?"},
        Case{"UnknownField", "multi_class { classes: 3 }", "multi_class { classes: 3 ^zzzzzz { a: [1, { b: 2 }] } }",
             "a MultiClass has no field 'zzzzzz'; expected one of 'classes'"},
        Case{"UnknownFieldThatWasMeantToBeARequiredOne",
             "name: \"price\" side:", "name: \"price\" ^sid:", "a Feature has no field 'sid'; did you mean 'side'?"},
        Case{"UnknownKind", "multi_class { classes: 3 }", "^multi_clas { classes: 3 }",
             "a Task has no field 'multi_clas'; did you mean 'multi_class'?"},
        Case{"UnknownEnumValue", "scaling: STANDARD", "^scaling: STANDART",
             "scaling is 'STANDART', expected STANDARD, MIN_MAX or NONE"},
        Case{"EnumAsNumber", "name: \"price\" side: CANDIDATE", "name: \"price\" ^side: 2",
             "side is '2', expected CONTEXT or CANDIDATE"},
        Case{"TextForNumber", "classes: 3", "^classes: \"3\"", "classes is \"3\", expected an integer of 32 bits"},
        Case{"FractionForInteger", "classes: 3", "^classes: 3.5", "classes is '3.5', expected an integer of 32 bits"},
        Case{"TooLargeInteger", "classes: 3", "^classes: 2147483648",
             "classes is '2147483648', expected an integer of 32 bits"},
        Case{"NumberForText", "name: \"spend\"", "name: \"spend\" ^column: 7",
             "column is '7', expected text in quotes"},
        Case{"WordForNumber", "learning_rate: 0.1 ", "^learning_rate: high ",
             "learning_rate is 'high', expected a number"},
        Case{"WordForTruth", "log1p: true", "^log1p: yes", "log1p is 'yes', expected true or false"},
        Case{"ValueForMessage", "binary { }", "^binary: true",
             "binary is 'true', expected { } with the fields of Binary"},
        Case{"MessageForValue", "classes: 3", "^classes: { a: 3 }",
             "classes is '{ a: 3 }', expected an integer of 32 bits"},
        Case{"ListForOneValue", "classes: 3", "^classes: [3, 4]", "classes is a list, expected a single value"},
        Case{"NegativeSeed", "name: \"shop\"", "name: \"shop\" ^seed: -1",
             "seed is '-1', expected an integer of 64 bits, 0 or above"},
        Case{"GivenTwice", "classes: 3", "classes: 3 ^classes: 4",
             "classes is given again, expected it once (line 36)"},
        Case{"TwoKinds", "binary { }", "binary { } ^regression { }",
             "regression is given beside binary (line 35), expected one kind"},
        Case{"NotUtf8InEscapes", "name: \"spend\"", "name: \"spend\" ^column: \"\\xff\"",
             "column is \"\\xff\", expected UTF-8 text"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Syntax, TextMistake,
    testing::Values(Case{"NotUtf8", "\"shop\"", "\"^\xff\"", "the file is not UTF-8 text here"},
                    Case{"NoColon", "classes: 3", "classes ^3", "got '3', expected ':' after 'classes'"},
                    Case{"NoValue", "classes: 3 ", "classes:^", "got '}', expected a value"},
                    Case{"StringWithoutEnd", "\"shop\"", "\"shop^", "String literals cannot cross line boundaries."},
                    Case{"NotClosed", "files { event_time_column: \"day\" }\n", "files { event_time_column: \"day\"^",
                         "got the end of the file, expected '}' to close the Files begun in line 47"},
                    Case{"ClosedTwice", "binary { } }", "binary { } } ^}", "got '}', expected a field of ModelFile"},
                    Case{"NotAField", "classes: 3", "classes: 3 ^\"x\"", "got \"x\", expected a field of MultiClass"},
                    Case{"ListNotClosed", "[\"d1\", \"d2\"] }", "[\"d1\", \"d2\" ^}",
                         "got '}', expected ',' or ']' in a list"},
                    Case{"BracketsThatDoNotMatch", "classes: 3", "zzzzzz { a: [ ^} ]", "got '}', expected ']'"}),
    MistakeName);

}  // namespace
}  // namespace polyscene
