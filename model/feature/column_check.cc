#include "model/feature/column_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/names.h"
#include "model/spec/utf8.h"

namespace polyscene {
namespace {

constexpr size_t kMaxStringBytes = 1024;  // As features.proto promises.

bool Belongs(const FeatureSpec& feature, TableRole role) {
  return role == TableRole::kExamples || feature.candidate == (role == TableRole::kCandidates);
}

// The scene's features that may be in such a table.
std::vector<std::string> ExpectedFeatures(const ModelSpec& spec, const SceneSpec& scene, TableRole role) {
  std::vector<std::string> names;
  for (size_t i = 0; i < spec.features().size(); ++i) {
    if (scene.has_feature[i] && Belongs(spec.features()[i], role)) names.push_back(spec.features()[i].name);
  }
  return names;
}

// "feature 'price'", or "candidates: feature 'price'" in a request, which has two tables.
std::string Where(absl::string_view feature, TableRole role) {
  const absl::string_view table = role == TableRole::kContext      ? "context: "
                                  : role == TableRole::kCandidates ? "candidates: "
                                                                   : "";
  return absl::StrCat(table, "feature ", Quoted(feature));
}

std::optional<BatchError> CheckType(const FeatureSpec& feature, const ColumnView& column, TableRole role) {
  // A column without values has no type of its own: a sequence that is empty in every row.
  if (column.value_count() > 0 && column.type != feature.type) {
    return BatchError{"wrong_type", absl::StrCat(Where(feature.name, role), ": got ", ValueTypeName(column.type),
                                                 " values, expected ", ValueTypeName(feature.type))};
  }
  if (!feature.sequence && !column.lengths.empty()) {
    return BatchError{"wrong_type", absl::StrCat(Where(feature.name, role), ": got a sequence (", column.lengths.size(),
                                                 " lengths), expected a single value a row and no lengths")};
  }
  if (feature.sequence && column.lengths.empty()) {
    return BatchError{"wrong_type",
                      absl::StrCat(Where(feature.name, role), ": got single values (no lengths), expected",
                                   " a sequence with a length a row")};
  }
  return std::nullopt;
}

std::optional<BatchError> CheckLengths(const FeatureSpec& feature, const ColumnView& column, int64_t rows,
                                       TableRole role) {
  if (!feature.sequence) {
    if (column.value_count() == rows) return std::nullopt;
    return BatchError{"ragged", absl::StrCat(Where(feature.name, role), ": got ", column.value_count(),
                                             " values, expected ", rows, ", one a row")};
  }
  if (static_cast<int64_t>(column.lengths.size()) != rows) {
    return BatchError{"ragged", absl::StrCat(Where(feature.name, role), ": got ", column.lengths.size(),
                                             " lengths, expected ", rows, ", one a row")};
  }
  const uint64_t values = std::accumulate(column.lengths.begin(), column.lengths.end(), uint64_t{0});
  if (values == static_cast<uint64_t>(column.value_count())) return std::nullopt;
  return BatchError{"ragged", absl::StrCat(Where(feature.name, role), ": got ", column.value_count(),
                                           " values, expected ", values, ", the sum of its lengths")};
}

// Why a value is refused: a reason, and what came and was expected. No reason: it is good.
struct Refusal {
  absl::string_view reason;
  std::string got_expected;
};

bool Good(int64_t value) { return value != std::numeric_limits<int64_t>::min(); }
bool Good(float value) { return std::isfinite(value); }
bool Good(absl::string_view value) { return value.size() <= kMaxStringBytes && FindInvalidUtf8(value) == value.size(); }

Refusal Describe(int64_t value) {
  return {"out_of_range", absl::StrCat("got ", value, ", expected any other 64-bit integer")};
}

Refusal Describe(float value) { return {"not_finite", absl::StrCat("got ", value, ", expected a finite number")}; }

Refusal Describe(absl::string_view value) {
  if (value.size() > kMaxStringBytes) {
    return {"out_of_range",
            absl::StrCat("got a string of ", value.size(), " bytes, expected at most ", kMaxStringBytes)};
  }
  return {"wrong_type",
          absl::StrCat("got a string that is not UTF-8 at byte ", FindInvalidUtf8(value), ", expected UTF-8")};
}

template <typename Value>
void CheckColumnValues(const FeatureSpec& feature, const ColumnView& column, absl::Span<const Value> values,
                       int64_t rows, TableRole role, RowErrors& errors) {
  MissingRows missing(column.missing);
  size_t next = 0;
  for (int64_t row = 0; row < rows && !errors.full(); ++row) {
    const size_t end = next + (column.lengths.empty() ? 1 : column.lengths[row]);
    for (; next < end; ++next) {
      if (Good(values[next]) || missing.Contains(row)) continue;
      const Refusal refusal = Describe(values[next]);
      errors.Add(row, refusal.reason,
                 [&] { return absl::StrCat(Where(feature.name, role), ", row ", row, ": ", refusal.got_expected); });
      next = end;
      break;
    }
  }
}

// Whether each row that has values has as many as the feature's vectors.
void CheckVectors(const FeatureSpec& feature, const ColumnView& column, int64_t rows, TableRole role,
                  RowErrors& errors) {
  MissingRows missing(column.missing);
  for (int64_t row = 0; row < rows && !errors.full(); ++row) {
    const int64_t length = column.lengths[row];
    if (missing.Contains(row) || length == feature.vector_length) continue;
    errors.Add(row, "ragged", [&] {
      return absl::StrCat(Where(feature.name, role), ", row ", row, ": got ", length, " values, expected ",
                          feature.vector_length, ", the length of its vectors");
    });
  }
}

}  // namespace

std::optional<BatchError> CheckNames(const ModelSpec& spec, const SceneSpec& scene, const TableView& table,
                                     TableRole role, ColumnFeatures& features) {
  absl::InlinedVector<bool, 64> seen(spec.features().size());
  for (const ColumnView& column : table.columns) {
    const int index = spec.FindFeature(column.name);
    if (index < 0) {
      return BatchError{"unknown_feature",
                        absl::StrCat(Where(column.name, role), " is not in the model file",
                                     ExpectedName(column.name, ExpectedFeatures(spec, scene, role)))};
    }
    const FeatureSpec& feature = spec.features()[index];
    if (!scene.has_feature[index]) {
      return BatchError{"unknown_feature",
                        absl::StrCat(Where(feature.name, role), " is not of scene '", scene.name, "'; expected ",
                                     ListNames(ExpectedFeatures(spec, scene, role)))};
    }
    if (!Belongs(feature, role)) {
      return BatchError{"unknown_feature",
                        absl::StrCat(Where(feature.name, role), " is a ", feature.candidate ? "candidate" : "context",
                                     " feature; expected it among the ", feature.candidate ? "candidates" : "context")};
    }
    if (seen[index]) {
      return BatchError{"unknown_feature", absl::StrCat(Where(feature.name, role), ": got two columns, expected one")};
    }
    seen[index] = true;
    features.push_back(index);
  }
  return std::nullopt;
}

std::optional<BatchError> CheckShapes(const ModelSpec& spec, const SceneSpec& scene, const TableView& table,
                                      TableRole role, const ColumnFeatures& features) {
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnView& column = table.columns[c];
    const FeatureSpec& feature = spec.features()[features[c]];
    std::optional<BatchError> error = CheckType(feature, column, role);
    if (!error) error = CheckLengths(feature, column, table.rows, role);
    if (error) return error;
    if (column.missing.empty()) continue;
    std::string bad_missing = DescribeBadMissingRows(Where(feature.name, role), column.missing, table.rows);
    if (!bad_missing.empty()) return BatchError{"out_of_range", std::move(bad_missing)};
  }
  for (size_t i = 0; i < spec.features().size(); ++i) {
    const FeatureSpec& feature = spec.features()[i];
    if (!feature.required || !scene.has_feature[i] || !Belongs(feature, role)) continue;
    if (std::find(features.begin(), features.end(), static_cast<int>(i)) == features.end()) {
      return BatchError{"missing_value",
                        absl::StrCat(Where(feature.name, role), ": got no column, expected one, for it",
                                     " is required in scene '", scene.name, "'")};
    }
  }
  return std::nullopt;
}

void CheckValues(const ModelSpec& spec, const TableView& table, TableRole role, const ColumnFeatures& features,
                 RowErrors& errors) {
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnView& column = table.columns[c];
    const FeatureSpec& feature = spec.features()[features[c]];
    if (feature.required) {
      for (const uint32_t row : column.missing) {
        errors.Add(row, "missing_value", [&] {
          return absl::StrCat(Where(feature.name, role), ", row ", row, ": got no value, expected one: it is required");
        });
      }
    }
    if (feature.vector_length > 0) CheckVectors(feature, column, table.rows, role, errors);
    if (column.value_count() == 0) continue;
    switch (feature.type) {
      case ValueType::kInt64:
        CheckColumnValues(feature, column, column.ints, table.rows, role, errors);
        break;
      case ValueType::kFloat:
        CheckColumnValues(feature, column, column.floats, table.rows, role, errors);
        break;
      case ValueType::kString:
        CheckColumnValues(feature, column, column.strings, table.rows, role, errors);
        break;
    }
  }
}

}  // namespace polyscene
