// Times as files and flags write them.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace polyscene {

// Reads a time into microseconds since 1970 (UTC); false, and nothing written, where `text` is none. Either
//   an ISO 8601 date, optionally with a time of day (after 'T' or a space; seconds and their fraction may be left out)
//   and a zone
//     ('Z', +hh, +hhmm or +hh:mm; without one: UTC): 2008-04-01, 2008-04-01T12:30:05.250+02:00; years 0001 to 9999
//   or a whole number: seconds since 1970, milliseconds from 100,000,000,000 on (that is 1973; in seconds it would be
//   year 5138)
bool ParseTimeMicros(absl::string_view text, int64_t* micros);

// Whether `text`, which ParseTimeMicros() takes, is a date without a time of day: then it means some moment of that
// day.
bool IsDate(absl::string_view text);

// What ParseTimeMicros() takes, for messages.
inline constexpr absl::string_view kTimeFormats = "an ISO 8601 date or time, or seconds or milliseconds since 1970";

}  // namespace polyscene
