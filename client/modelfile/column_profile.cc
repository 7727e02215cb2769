#include "client/modelfile/column_profile.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/data/event_times.h"
#include "model/data/field_parser.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int64_t kYear1980Micros = 315'532'800'000'000;
constexpr int64_t kYear2100Micros = 4'102'444'800'000'000;
constexpr size_t kMaxStringBytes = 1024;  // As features.proto says of a STRING.

bool IsMarker(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  for (const absl::string_view marker :
       {"na", "n/a", "nan", "null", "none", "nil", "?", "-", "inf", "-inf", "missing", "\\n", "."}) {
    if (lower == marker) return true;
  }
  return false;
}

bool IsTime(absl::string_view text, int64_t* micros) {
  return ParseTimeMicros(text, micros) && *micros >= kYear1980Micros && *micros < kYear2100Micros;
}

bool IsPadded(absl::string_view text) {
  return text.size() > 1 && text[0] == '0' && absl::ascii_isdigit(static_cast<unsigned char>(text[1]));
}

// Digits in three parts, with '/' or '.' between them, perhaps with a time behind: 6/15/2021 10:30.
bool IsSlashed(absl::string_view text) {
  int separators = 0;
  for (const char c : text.substr(0, text.find(' '))) {
    if (c == '/' || c == '.') {
      ++separators;
    } else if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return false;
    }
  }
  return separators == 2;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double skewness = 0;
};

// Of ascending numbers, after `map`; the skewness without the outermost thousandth on either side.
template <typename Map>
Moments MomentsOf(const std::vector<double>& sorted, Map map) {
  Moments moments;
  const double count = static_cast<double>(sorted.size());
  for (const double x : sorted) moments.mean += map(x) / count;
  for (const double x : sorted) moments.deviation += (map(x) - moments.mean) * (map(x) - moments.mean) / count;
  moments.deviation = std::sqrt(moments.deviation);

  const size_t cut = sorted.size() / 1000;
  const double kept = static_cast<double>(sorted.size() - 2 * cut);
  double mean = 0, second = 0, third = 0;
  for (size_t i = cut; i < sorted.size() - cut; ++i) mean += map(sorted[i]) / kept;
  for (size_t i = cut; i < sorted.size() - cut; ++i) {
    const double away = map(sorted[i]) - mean;
    second += away * away / kept;
    third += away * away * away / kept;
  }
  moments.skewness = second > 0 ? third / std::pow(second, 1.5) : 0;
  return moments;
}

void DescribeNumbers(std::vector<double>& numbers, ColumnProfile& profile) {
  if (numbers.empty()) return;
  std::sort(numbers.begin(), numbers.end());
  profile.min = numbers.front();
  profile.max = numbers.back();
  profile.whole_numbers =
      profile.all_numbers() && std::all_of(numbers.begin(), numbers.end(), [](double x) { return x == std::floor(x); });
  const Moments plain = MomentsOf(numbers, [](double x) { return x; });
  profile.mean = plain.mean;
  profile.deviation = plain.deviation;
  profile.skewness = plain.skewness;
  if (profile.min >= 0) {
    const Moments logs = MomentsOf(numbers, [](double x) { return std::log1p(x); });
    profile.log_mean = logs.mean;
    profile.log_deviation = logs.deviation;
    profile.log_skewness = logs.skewness;
  }
  for (size_t p = 0; p <= 100; ++p) profile.percentiles.push_back(numbers[(numbers.size() - 1) * p / 100]);
}

void DescribeItems(const TableSample& sample, ColumnProfile& profile) {
  absl::flat_hash_set<absl::string_view> items;
  profile.int_items = true;
  for (int64_t row = 0; row < sample.rows(); ++row) {
    absl::string_view rest = sample.Field(row, profile.column);
    if (rest.empty()) continue;
    int64_t length = 0;
    for (bool last = false; !last; ++length) {
      const size_t bar = rest.find('|');
      last = bar == absl::string_view::npos;
      const absl::string_view item = rest.substr(0, bar);
      if (!last) rest.remove_prefix(bar + 1);
      int64_t number = 0;
      profile.int_items = profile.int_items && ParseInt64(item, &number);
      items.insert(item);
    }
    profile.items += length;
    profile.longest = std::max(profile.longest, length);
  }
  profile.distinct_items = static_cast<int64_t>(items.size());
}

}  // namespace

ColumnProfile ProfileColumn(const TableSample& sample, int column) {
  ColumnProfile profile;
  profile.name = sample.header()[column];
  profile.column = column;
  profile.rows = sample.rows();

  absl::flat_hash_map<absl::string_view, int64_t> counts;
  std::vector<double> numbers;
  double before = 0;
  bool ascending = true;
  int64_t ordered = 0;
  for (int64_t row = 0; row < sample.rows(); ++row) {
    const absl::string_view text = sample.Field(row, column);
    if (text.empty()) {
      ++profile.empty;
      continue;
    }
    ++counts[text];
    int64_t whole = 0, micros = 0;
    float number = 0;
    const bool is_int = ParseInt64(text, &whole);
    const bool is_float = ParseFloat(text, &number);
    const bool is_time = IsTime(text, &micros);
    profile.ints += is_int;
    profile.floats += is_float;
    profile.times += is_time;
    profile.utf8 += text.size() <= kMaxStringBytes && IsUtf8(text);
    profile.barred += text.find('|') != absl::string_view::npos;
    profile.spaced += text.find(' ') != absl::string_view::npos;
    profile.slashed += !is_float && IsSlashed(text);
    profile.dotted += is_float && text.find('.') != absl::string_view::npos;
    profile.padded += is_int && IsPadded(text);
    if (!is_float && IsMarker(text) && profile.markers++ == 0) profile.marker = std::string(text.data(), text.size());
    profile.mean_bytes += static_cast<double>(text.size());
    if (is_float) numbers.push_back(number);
    if (is_float || is_time) {
      const double value = is_int ? static_cast<double>(whole) : is_time ? static_cast<double>(micros) : number;
      ascending = ascending && (ordered == 0 || value >= before);
      before = value;
      ++ordered;
    }
  }
  if (profile.filled() > 0) profile.mean_bytes /= static_cast<double>(profile.filled());
  profile.distinct = static_cast<int64_t>(counts.size());
  profile.ascending = ascending && ordered == profile.filled() && profile.distinct > 1;
  for (const auto& [text, count] : counts) {
    profile.once += count == 1;
    if (profile.distinct <= kListedValues) profile.values.emplace_back(std::string(text.data(), text.size()), count);
  }
  std::sort(profile.values.begin(), profile.values.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  DescribeNumbers(numbers, profile);
  if (profile.barred > 0) DescribeItems(sample, profile);
  return profile;
}

std::string DescribeValues(const ColumnProfile& profile) {
  std::string text = absl::StrCat(WithThousands(profile.distinct), profile.distinct == 1 ? " value in " : " values in ",
                                  WithThousands(profile.filled()), profile.filled() == 1 ? " row" : " rows");
  if (profile.empty > 0) {
    const double share = 100.0 * static_cast<double>(profile.empty) / static_cast<double>(profile.rows);
    absl::StrAppend(&text, ", ", share < 1 ? "under 1" : absl::StrCat(std::lround(share)), " % empty");
  }
  return text;
}

}  // namespace polyscene
