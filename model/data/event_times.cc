#include "model/data/event_times.h"

#include <charconv>

namespace polyscene {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kFirstMilliseconds = 100'000'000'000;
constexpr int64_t kMaxNumber = 253'402'300'799'999;  // The last millisecond of year 9999.

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `count` digits off the front of `text`.
bool TakeDigits(absl::string_view& text, size_t count, int64_t& value) {
  if (text.size() < count) return false;
  value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool TakeChar(absl::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

int64_t DaysInMonth(int64_t year, int64_t month) {
  if (month == 2) return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
  return (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31;
}

// Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years that begin in March, so that the leap
// day is a year's last.
int64_t DaysSince1970(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) --year;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// hh:mm[:ss[.fraction]]
bool TakeTimeOfDay(absl::string_view& text, int64_t& micros) {
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!TakeDigits(text, 2, hour) || !TakeChar(text, ':') || !TakeDigits(text, 2, minute)) return false;
  if (TakeChar(text, ':')) {
    if (!TakeDigits(text, 2, second)) return false;
    if (TakeChar(text, '.') || TakeChar(text, ',')) {
      if (text.empty() || !IsDigit(text[0])) return false;
      for (int64_t unit = kMicros / 10; !text.empty() && IsDigit(text[0]); text.remove_prefix(1), unit /= 10) {
        fraction += (text[0] - '0') * unit;  // Digits beyond microseconds count nothing.
      }
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return false;  // 60: a leap second.
  micros = ((hour * 60 + minute) * 60 + second) * kMicros + fraction;
  return true;
}

// Z, or +hh, +hhmm, +hh:mm with either sign.
bool TakeZone(absl::string_view& text, int64_t& micros_ahead) {
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return true;
  const int64_t sign = TakeChar(text, '+') ? 1 : TakeChar(text, '-') ? -1 : 0;
  int64_t hour = 0, minute = 0;
  if (sign == 0 || !TakeDigits(text, 2, hour)) return false;
  const bool colon = TakeChar(text, ':');
  if ((colon || !text.empty()) && !TakeDigits(text, 2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  micros_ahead = sign * (hour * 60 + minute) * 60 * kMicros;
  return true;
}

bool ParseIso(absl::string_view text, int64_t* micros) {
  int64_t year = 0, month = 0, day = 0, time_of_day = 0, micros_ahead = 0;
  if (!TakeDigits(text, 4, year) || !TakeChar(text, '-') || !TakeDigits(text, 2, month) || !TakeChar(text, '-') ||
      !TakeDigits(text, 2, day)) {
    return false;
  }
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return false;
  if (!text.empty()) {
    if (!TakeChar(text, 'T') && !TakeChar(text, 't') && !TakeChar(text, ' ')) return false;
    if (!TakeTimeOfDay(text, time_of_day)) return false;
    if (!text.empty() && !TakeZone(text, micros_ahead)) return false;
    if (!text.empty()) return false;
  }
  *micros = DaysSince1970(year, month, day) * 86'400 * kMicros + time_of_day - micros_ahead;
  return true;
}

}  // namespace

bool IsDate(absl::string_view text) { return text.size() == 10 && text[4] == '-'; }

bool ParseTimeMicros(absl::string_view text, int64_t* micros) {
  if (text.size() >= 10 && text[4] == '-') return ParseIso(text, micros);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  const int64_t magnitude = number < 0 ? -number : number;
  if (number < -kMaxNumber || number > kMaxNumber) return false;
  *micros = number * (magnitude >= kFirstMilliseconds ? 1000 : kMicros);
  return true;
}

}  // namespace polyscene
