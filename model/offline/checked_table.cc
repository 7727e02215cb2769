#include "model/offline/checked_table.h"

#include <limits>

#include "model/feature/encoder.h"

namespace polyscene {
namespace {

void HashPersonal(const HashKey& key, Column& column) {
  for (int64_t& value : column.ints) value = PersonalId(key, value);
  column.ints.reserve(column.ints.size() + column.strings.size());
  for (const std::string& value : column.strings) column.ints.push_back(PersonalId(key, value));
  column.strings.clear();
  column.type = ValueType::kInt64;
}

}  // namespace

std::vector<RowError> CheckAndHash(const ModelSpec& spec, const HashKey& key, EventTable& table) {
  std::vector<RowError> errors;
  ValidateExamples(spec, table.View(), std::numeric_limits<int64_t>::max(), errors);
  for (Column& column : table.features.columns) {
    const int feature = spec.FindFeature(column.name);
    if (feature >= 0 && spec.features()[feature].personal) HashPersonal(key, column);
  }
  return errors;
}

std::vector<std::pair<int64_t, int64_t>> GoodRanges(int64_t rows, const std::vector<RowError>& errors) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  int64_t begin = 0;
  for (const RowError& error : errors) {
    if (error.row > begin) ranges.emplace_back(begin, error.row);
    begin = error.row + 1;
  }
  if (rows > begin) ranges.emplace_back(begin, rows);
  return ranges;
}

}  // namespace polyscene
