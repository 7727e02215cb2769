// A small model file and a way to spoil it, for the tests of model/spec.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Two scenes, four tasks (one of each kind), five features; without a mistake.
extern const char kGoodModel[];

// kGoodModel with the one place where it says `from` saying `to` instead. Fails the test if there is not just one.
std::string Changed(absl::string_view from, absl::string_view to);

// What Parse() says about a text in which '^' marks the places of its mistakes, in their order, and what it should say
// there: "m.textproto:<line>:<column>: <what>" for each line of `whats`.
struct Told {
  std::string got;
  std::string want;
};
Told Tell(absl::string_view marked, absl::string_view whats);

// One change to the good model and what is to be told of it; a row of the tables in the tests.
struct MistakeCase {
  const char* name;
  const char* from;
  const char* to;     // '^' marks each mistake's place.
  const char* whats;  // One line each.
};
inline void PrintTo(const MistakeCase& test, std::ostream* out) { *out << test.to; }
inline std::string MistakeName(const testing::TestParamInfo<MistakeCase>& info) { return info.param.name; }

// A model that must be good.
std::shared_ptr<const ModelSpec> Good(absl::string_view text);

}  // namespace polyscene
