// Looks over a textproto before it is parsed: where everything stands, and what does not fit the schema.
//
// protobuf's own parser stops at the first value that does not fit, and tells positions after the fact. Here each such
// field is told, at its place, and taken out of the text, so that the rest can be parsed and checked too.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "model/spec/mistakes.h"

namespace polyscene {

struct TextSurvey {
  TextNode root;             // Every field that fits, and (marked bad) those that do not.
  std::string fitting_text;  // The text with what does not fit blanked out: all else stays where it was.
  bool broken = false;       // The syntax broke; told, and nothing after it was looked at.
};

// Adds to `mistakes`: unknown fields and enum values, values of a wrong kind or out of their type's range, fields given
// twice, two kinds where one is to be chosen, bytes that are not UTF-8, and the first broken syntax.
TextSurvey SurveyText(absl::string_view text, const google::protobuf::Descriptor& schema, Mistakes& mistakes);

}  // namespace polyscene
