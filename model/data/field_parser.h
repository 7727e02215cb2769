// Values as text: what a field of a file says, read as the type the model file declares.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "model/data/columns.h"

namespace polyscene {

// Each returns false, and writes nothing, where `text` is no such value. Spaces around a number are ignored.

// A whole number; "29.0" is one too, as tools that keep numbers with gaps as floating point write it. The smallest
// 64-bit number is none: it stands for "missing" inside.
bool ParseInt64(absl::string_view text, int64_t* value);

// A finite number within the range of 32-bit floating point.
bool ParseFloat(absl::string_view text, float* value);

// A truth as databases write one: t, true, f or false, in either case: 1 or 0.
bool ParseTruth(absl::string_view text, float* value);

// UTF-8 without overlong forms or surrogates.
bool IsUtf8(absl::string_view text);

// Appends what `text` says to `column`. Returns null, or, having appended nothing, what was expected instead: "a whole
// number (INT64)" and the like.
const char* AppendValue(absl::string_view text, Column& column);

// Appends the entry that stands where a value is missing.
void AppendEmptyValue(Column& column);

}  // namespace polyscene
