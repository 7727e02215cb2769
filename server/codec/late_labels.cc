#include "server/codec/late_labels.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "server/codec/keep_rows.h"

namespace polyscene {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr int64_t kMinTimeMicros = -62'135'596'800'000'000;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimeMicros = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z

bool GoodTime(int64_t micros) { return micros >= kMinTimeMicros && micros <= kMaxTimeMicros; }

std::string BadId(absl::string_view where, const std::string& id) {
  return absl::StrCat(where, ": got ", id.size(), " bytes, expected 1 to ", kMaxRequestIdBytes);
}

std::string BadTime(absl::string_view where, int64_t micros) {
  return absl::StrCat(where, ": got ", micros, ", expected microseconds since 1970 within the years 1 to 9999");
}

// Refuses rows one by one, the first thing wrong with each.
class Refusals {
 public:
  explicit Refusals(int64_t rows) : refused_(rows) {}

  bool Has(int64_t row) const { return refused_[row]; }
  void Add(int64_t row, absl::string_view reason, std::string message) {
    if (refused_[row]) return;
    refused_[row] = true;
    errors_.push_back({row, reason, std::move(message)});
  }

  CheckedRows Take() {
    CheckedRows checked;
    std::sort(errors_.begin(), errors_.end(), [](const RowError& a, const RowError& b) { return a.row < b.row; });
    checked.errors = std::move(errors_);
    for (size_t row = 0; row < refused_.size(); ++row) {
      if (!refused_[row]) checked.kept.push_back(static_cast<uint32_t>(row));
    }
    return checked;
  }

 private:
  std::vector<bool> refused_;
  std::vector<RowError> errors_;
};

// One error stands for the batch: the number of rows that it claims must cost us nothing.
CheckedRows RefuseCount(int64_t rows, int64_t max_rows) {
  CheckedRows checked;
  checked.errors.push_back({0, rows == 0 ? "no_rows" : "too_many_rows",
                            absl::StrCat("rows: got ", rows, ", expected 1 to ", max_rows, " rows a batch")});
  return checked;
}

CheckedRows RefuseAll(int64_t rows, absl::string_view reason, const std::string& message) {
  CheckedRows checked;
  for (int64_t row = 0; row < rows; ++row) checked.errors.push_back({row, reason, message});
  return checked;
}

template <typename T>
absl::Span<const T> Values(const google::protobuf::RepeatedField<T>& values) {
  return absl::MakeConstSpan(values.data(), static_cast<size_t>(values.size()));
}

// What ValidateLabels() looks at.
ExamplesView ViewOf(const v1::LabelBatch& batch) {
  ExamplesView view;
  view.features.rows = batch.request_size();
  for (const v1::Labels& labels : batch.labels()) {
    view.labels.push_back({labels.task(), Values(labels.values()), Values(labels.missing_rows())});
  }
  view.weights = Values(batch.weights());
  return view;
}

void CheckLabelRow(const v1::LabelBatch& batch, int row, Refusals& refusals) {
  const uint32_t request = batch.request(row);
  if (request >= static_cast<uint32_t>(batch.request_ids_size())) {
    return refusals.Add(row, "out_of_range",
                        absl::StrCat("request, row ", row, ": got ", request, ", expected an index below ",
                                     batch.request_ids_size(), ", the number of request_ids"));
  }
  const std::string& id = batch.request_ids(static_cast<int>(request));
  if (id.empty() || id.size() > kMaxRequestIdBytes) {
    return refusals.Add(row, "out_of_range", BadId(absl::StrCat("request_ids[", request, "], row ", row), id));
  }
  if (!batch.label_times_micros().empty() && !GoodTime(batch.label_times_micros(row))) {
    refusals.Add(row, "out_of_range", BadTime(absl::StrCat("label time, row ", row), batch.label_times_micros(row)));
  }
}

// What is wrong with an exposure as a whole; empty: nothing.
std::string DescribeBadExposure(const v1::Exposure& exposure, int index) {
  const std::string where = absl::StrCat("exposures[", index, "]");
  if (exposure.request_id().empty() || exposure.request_id().size() > kMaxRequestIdBytes) {
    return BadId(absl::StrCat(where, ".request_id"), exposure.request_id());
  }
  return GoodTime(exposure.time_micros()) ? "" : BadTime(absl::StrCat(where, ".time_micros"), exposure.time_micros());
}

// Checks one exposure, whose first row is number `first` of its batch.
void CheckExposure(const v1::Exposure& exposure, int index, int64_t first, Refusals& refusals) {
  const auto refuse_all = [&](absl::string_view reason, const std::string& message) {
    for (int i = 0; i < exposure.rows_size(); ++i) refusals.Add(first + i, reason, message);
  };
  if (std::string bad = DescribeBadExposure(exposure, index); !bad.empty()) return refuse_all("out_of_range", bad);
  if (!exposure.positions().empty() && exposure.positions_size() != exposure.rows_size()) {
    return refuse_all("ragged", absl::StrCat("exposures[", index, "].positions: got ", exposure.positions_size(),
                                             ", expected ", exposure.rows_size(), ", one a row, or none"));
  }
  absl::flat_hash_set<uint32_t> seen;
  for (int i = 0; i < exposure.rows_size(); ++i) {
    if (!seen.insert(exposure.rows(i)).second) {
      refusals.Add(first + i, "out_of_range",
                   absl::StrCat("exposures[", index, "].rows: got row ", exposure.rows(i), " twice, expected it once"));
    } else if (!exposure.positions().empty() && exposure.positions(i) == 0) {
      refusals.Add(first + i, "out_of_range",
                   absl::StrCat("exposures[", index, "].positions: got 0 for row ", exposure.rows(i),
                                ", expected positions from 1 on"));
    }
  }
}

}  // namespace

int64_t RowsOf(const v1::LabelBatch& batch) { return batch.request_size(); }

int64_t RowsOf(const v1::ExposureBatch& batch) {
  int64_t rows = 0;
  for (const v1::Exposure& exposure : batch.exposures()) rows += exposure.rows_size();
  return rows;
}

CheckedRows AcceptLabels(const ModelSpec& spec, int64_t max_rows, v1::LabelBatch* batch) {
  const int64_t rows = RowsOf(*batch);
  CheckedRows checked;
  if (rows == 0 || rows > max_rows) {
    checked = RefuseCount(rows, max_rows);
  } else if (batch->row_size() != rows) {
    checked = RefuseAll(rows, "ragged",
                        absl::StrCat("row: got ", batch->row_size(), ", expected ", rows, ", one for each `request`"));
  } else if (!batch->label_times_micros().empty() && batch->label_times_micros_size() != rows) {
    checked = RefuseAll(rows, "ragged",
                        absl::StrCat("label_times_micros: got ", batch->label_times_micros_size(), ", expected ", rows,
                                     ", one a row, or none"));
  } else {
    std::vector<RowError> found;
    ValidateLabels(spec, ViewOf(*batch), max_rows, found);
    Refusals refusals(rows);
    for (RowError& error : found) refusals.Add(error.row, error.reason, std::move(error.message));
    for (int row = 0; row < rows; ++row) {
      if (!refusals.Has(row)) CheckLabelRow(*batch, row, refusals);
    }
    checked = refusals.Take();
  }
  if (checked.kept.empty()) {
    const uint64_t sequence = batch->sequence();
    batch->Clear();
    batch->set_sequence(sequence);
  } else if (!checked.errors.empty()) {
    KeepRows(spec, checked.kept, batch);
  }
  return checked;
}

CheckedRows AcceptExposures(int64_t max_rows, v1::ExposureBatch* batch) {
  const int64_t rows = RowsOf(*batch);
  CheckedRows checked;
  if (rows == 0 || rows > max_rows) {
    checked = RefuseCount(rows, max_rows);
  } else {
    Refusals refusals(rows);
    int64_t first = 0;
    for (int i = 0; i < batch->exposures_size(); ++i) {
      CheckExposure(batch->exposures(i), i, first, refusals);
      first += batch->exposures(i).rows_size();
    }
    checked = refusals.Take();
  }
  if (checked.kept.empty()) {
    batch->clear_exposures();
  } else if (!checked.errors.empty()) {
    KeepRows(checked.kept, batch);
  }
  return checked;
}

}  // namespace polyscene
