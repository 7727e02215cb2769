#include "client/simulator/csv_rows.h"

#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "client/simulator/schema.h"

namespace polyscene::simulator {
namespace {

void AppendText(absl::string_view text, std::string& out) { out.append(text.data(), text.size()); }

void AppendInteger(int64_t value, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// `value` counts units of 10^-decimals: 1299 with 2 is 12.99.
void AppendDecimal(int64_t value, int decimals, std::string& out) {
  if (decimals == 0) return AppendInteger(value, out);
  if (value < 0) out += '-';
  const int64_t units = static_cast<int64_t>(UnitsPerOne(decimals)), magnitude = value < 0 ? -value : value;
  AppendInteger(magnitude / units, out);
  out += '.';
  for (int64_t place = units / 10, rest = magnitude % units; place > 0; place /= 10) {
    out += static_cast<char>('0' + rest / place % 10);
  }
}

void AppendTwoDigits(int value, std::string& out) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

void AppendTime(int64_t seconds, std::string& out) {
  const absl::CivilSecond time = absl::ToCivilSecond(absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  AppendInteger(time.year(), out);
  for (const auto& [separator, value] : {std::pair<char, int>{'-', time.month()},
                                         {'-', time.day()},
                                         {'T', time.hour()},
                                         {':', time.minute()},
                                         {':', time.second()}}) {
    out += separator;
    AppendTwoDigits(value, out);
  }
  out += 'Z';
}

void AppendFeature(const SimulatedFeature& feature, const SimulatedRow& row, std::string& out) {
  const int count = feature.length ? feature.length(row) : 1;
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += '|';
    if (feature.text) {
      AppendText(feature.text(row, i), out);
    } else if (const int64_t number = feature.number(row, i); number != kNone) {
      AppendDecimal(number, feature.decimals, out);
    }
  }
}

}  // namespace

void AppendCsvHeader(const CsvRowsOptions& options, std::string& out) {
  out += "event_time,scene,request_id";
  for (const SimulatedFeature& feature : Features()) absl::StrAppend(&out, ",", feature.name);
  for (const SimulatedTask& task : Tasks()) {
    if (!options.labels) break;
    if (task.width == 1) absl::StrAppend(&out, ",", task.name);
    for (int i = 1; i <= task.width && task.width > 1; ++i) absl::StrAppend(&out, ",", task.name, "_", i);
  }
  for (const SimulatedTask& task : Tasks()) {
    if (options.truth && task.probability) absl::StrAppend(&out, ",p_", task.name);
  }
  out += '\n';
}

void AppendCsvRow(const CsvRowsOptions& options, const SimulatedRow& row, std::string& out) {
  AppendTime(row.time_seconds, out);
  out += ',';
  AppendText(SceneName(row.scene), out);
  out += ",r";
  AppendInteger(row.request, out);
  for (const SimulatedFeature& feature : Features()) {
    out += ',';
    if (feature.In(row.scene)) AppendFeature(feature, row, out);
  }
  for (const SimulatedTask& task : Tasks()) {
    if (!options.labels) break;
    for (int i = 0; i < task.width; ++i) {
      out += ',';
      if (!task.In(row.scene)) continue;
      if (const int64_t label = task.label(row, i); label != kNone) AppendDecimal(label, task.decimals, out);
    }
  }
  for (const SimulatedTask& task : Tasks()) {
    if (!options.truth || !task.probability) continue;
    out += ',';
    if (task.In(row.scene)) AppendDecimal(std::llround(1e6 * task.probability(row)), 6, out);
  }
  out += '\n';
}

}  // namespace polyscene::simulator
