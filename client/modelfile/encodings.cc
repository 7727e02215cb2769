#include "client/modelfile/encodings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/modelfile/name_words.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int64_t kFewValues = 4;  // As one_hot: an input each.
constexpr int64_t kKindsNotAmounts = 50;
constexpr double kIdsFrom = 100'000;  // Whole numbers this large, with a name that says nothing, are ids.
constexpr double kHeavyTail = 2;      // Skewness; an exponential distribution has 2.
constexpr size_t kMostBoundaries = 14;

bool IsSequence(const ColumnProfile& column) {
  return column.barred * 5 >= column.filled() && column.barred > 0 && column.distinct_items < column.items;
}

v1::ValueType TypeOf(const ColumnProfile& column, std::string& reason) {
  if (column.all_ints() && column.padded > 0 && !IsAmountName(column.name)) {
    reason = "numbers that begin with 0: text";
    return v1::STRING;
  }
  if (column.all_ints()) {
    // Whoever writes 28.0 where nothing is missing may write 28.5 next; with gaps it is how some tools write 28.
    if (column.dotted == 0 || column.empty > 0) return v1::INT64;
    return v1::FLOAT;
  }
  return column.all_numbers() ? v1::FLOAT : v1::STRING;
}

bool HeavyTailed(const ColumnProfile& column) {
  return column.min >= 0 && column.skewness > kHeavyTail && std::abs(column.log_skewness) < column.skewness / 2;
}

// Where counts begin to mean something else: close together where they are small, or in steps of equally many rows.
std::vector<double> Boundaries(const ColumnProfile& column) {
  std::vector<double> boundaries;
  const double top = column.percentiles[99];
  if (column.min < 100 && top <= 400) {
    for (const double b : {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377}) {
      if (b > column.min && b <= top) boundaries.push_back(b);
    }
  }
  if (boundaries.size() >= 2) return boundaries;
  boundaries.clear();
  for (int p = 8; p <= 96; p += 8) {
    const double b = Rounded(column.percentiles[p], 4);
    if (b > column.min && (boundaries.empty() || b > boundaries.back())) boundaries.push_back(b);
  }
  if (boundaries.size() > kMostBoundaries) boundaries.resize(kMostBoundaries);
  return boundaries;
}

class ColumnEncoder {
 public:
  ColumnEncoder(const ColumnProfile& column, int dimension) : column_(column), dimension_(dimension) {}

  EncodedFeature Encode(bool personal) {
    const bool sequence = IsSequence(column_);
    std::string reason;
    v1::ValueType type = sequence ? (column_.int_items ? v1::INT64 : v1::STRING) : TypeOf(column_, reason);
    if (personal && type == v1::FLOAT) personal = false;
    made_.feature.set_type(type);
    if (personal) {
      made_.feature.set_personal(true);
      Hash();
      Say(sequence ? "people" : "a person");
    }
    if (sequence) {
      const int longest = static_cast<int>(std::clamp<int64_t>(column_.longest, 1, 50));
      made_.feature.mutable_sequence()->set_max_length(longest);
      if (!personal) Hash();
      Say(absl::StrCat("lists separated by '|', up to ", column_.longest, " long, of ",
                       WithThousands(column_.distinct_items), " items"));
    } else if (!personal) {
      if (!reason.empty()) Say(reason);
      type == v1::STRING ? EncodeText() : type == v1::INT64 ? EncodeInts() : EncodeFloats();
    }
    if (!sequence) Say(DescribeValues(column_));
    return std::move(made_);
  }

 private:
  void Say(absl::string_view what) { absl::StrAppend(&made_.reason, made_.reason.empty() ? "" : "; ", what); }

  void Hash() { made_.feature.add_encode()->mutable_hash()->mutable_embedding()->set_dimension(dimension_); }

  void OneHot() {
    v1::OneHot& one_hot = *made_.feature.add_encode()->mutable_one_hot();
    for (const auto& [value, count] : column_.values) one_hot.add_values(value);
    std::sort(one_hot.mutable_values()->begin(), one_hot.mutable_values()->end());
  }

  void Numeric() {
    v1::Numeric& numeric = *made_.feature.add_encode()->mutable_numeric();
    if (!HeavyTailed(column_)) return;
    numeric.set_log1p(true);
    Say("a long tail");
  }

  void Buckets() {
    const std::vector<double> boundaries = Boundaries(column_);
    if (boundaries.empty()) return;
    v1::Bucketize& bucketize = *made_.feature.add_encode()->mutable_bucketize();
    for (const double boundary : boundaries) bucketize.add_boundaries(boundary);
    bucketize.mutable_embedding()->set_dimension(dimension_);
  }

  void EncodeText() {
    if (column_.distinct <= kFewValues && column_.distinct > 1 && column_.empty == 0) {
      OneHot();
      Say("few values");
    } else {
      Hash();
      Say("names of things");
    }
  }

  void EncodeInts() {
    if (column_.zero_or_one()) {
      made_.feature.add_encode()->mutable_numeric()->set_scaling(v1::Numeric::NONE);
      return Say("yes or no");
    }
    // "1.0" is no integer that one_hot could list.
    if (column_.distinct == 2 && column_.dotted == 0 && column_.empty == 0 && column_.padded == 0 && PlainInts()) {
      OneHot();
      return Say("two kinds");
    }
    const bool amount = IsAmountName(column_.name);
    if (IsIdentityName(column_.name) && !amount) {
      Hash();
      return Say("numbers that name things, by the column's name");
    }
    if (!amount && column_.max >= kIdsFrom && column_.distinct > 100) {
      Hash();
      return Say("large whole numbers, so ids");
    }
    if (!amount && column_.distinct <= kKindsNotAmounts) {
      Hash();
      Numeric();
      return Say("kinds or amounts, so as both");
    }
    Say("amounts");
    Numeric();
    if (column_.min >= 0 && column_.distinct > 3) Buckets();
  }

  bool PlainInts() const {
    return std::all_of(column_.values.begin(), column_.values.end(), [](const auto& value) {
      char* end = nullptr;
      (void)std::strtoll(value.first.c_str(), &end, 10);
      return !value.first.empty() && *end == '\0' && value.first[0] != '+' && value.first[0] != ' ';
    });
  }

  void EncodeFloats() {
    Say("amounts");
    Numeric();
  }

  const ColumnProfile& column_;
  const int dimension_;
  EncodedFeature made_;
};

}  // namespace

EncodedFeature EncodeColumn(const ColumnProfile& column, bool personal, int dimension) {
  return ColumnEncoder(column, dimension).Encode(personal);
}

double Rounded(double x, int digits) { return std::strtod(absl::StrFormat("%.*g", digits, x).c_str(), nullptr); }

}  // namespace polyscene
