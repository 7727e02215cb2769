#include "client/replay/replay_rows.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "client/replay/known_times.h"

namespace polyscene::replay {
namespace {

constexpr int64_t kSortedBatchRows = 1024;  // Of one scene, held as they are read.
constexpr int64_t kSortedWindowRows = 16384;

template <typename T>
std::vector<T> One(const std::vector<T>& values, int64_t row) {
  return values.empty() ? std::vector<T>() : std::vector<T>{values[row]};
}

template <typename T>
std::vector<T> Some(const std::vector<T>& values, size_t first, size_t count) {
  if (values.empty()) return {};
  return std::vector<T>(values.begin() + static_cast<ptrdiff_t>(first),
                        values.begin() + static_cast<ptrdiff_t>(first + count));
}

std::vector<uint32_t> MissingOf(const std::vector<uint32_t>& missing, int64_t row) {
  const bool is = std::binary_search(missing.begin(), missing.end(), static_cast<uint32_t>(row));
  return is ? std::vector<uint32_t>{0} : std::vector<uint32_t>();
}

FileTime TimeOf(const std::vector<int64_t>& times, const EventTable& table, int64_t row, uint8_t date_mark) {
  if (times.empty()) return {};
  return {times[row], (table.dates[row] & date_mark) != 0};
}

int64_t TimeIn(const EventTable& table, int64_t row, bool other_time) {
  const std::vector<int64_t>& times = other_time ? table.other_times_micros : table.event_times_micros;
  return times.empty() ? 0 : times[row];
}

int64_t LabelAt(const EventTable& table, int64_t row, int64_t predict_at) {
  const FileTime event = TimeOf(table.event_times_micros, table, row, EventTable::kEventDate);
  const FileTime label = TimeOf(table.label_times_micros, table, row, EventTable::kLabelDate);
  return std::max(KnownAt(event, label), predict_at);
}

}  // namespace

EventTable RowOf(const EventTable& table, int64_t row) {
  EventTable one;
  one.scene = table.scene;
  one.features.rows = 1;
  for (const Column& column : table.features.columns) {
    size_t first = static_cast<size_t>(row), count = 1;
    if (!column.lengths.empty()) {
      first = std::accumulate(column.lengths.begin(), column.lengths.begin() + row, size_t{0});
      count = column.lengths[row];
    }
    one.features.columns.push_back({column.name, column.type, Some(column.ints, first, count),
                                    Some(column.floats, first, count), Some(column.strings, first, count),
                                    MissingOf(column.missing, row), One(column.lengths, row)});
  }
  for (const EventTable::Labels& labels : table.labels) {
    const size_t width = static_cast<size_t>(labels.outputs);
    one.labels.push_back({labels.task, labels.outputs, Some(labels.values, static_cast<size_t>(row) * width, width),
                          MissingOf(labels.missing, row)});
  }
  one.weights = One(table.weights, row);
  one.event_times_micros = One(table.event_times_micros, row);
  one.label_times_micros = One(table.label_times_micros, row);
  one.other_times_micros = One(table.other_times_micros, row);
  one.dates = One(table.dates, row);
  one.request_ids = One(table.request_ids, row);
  one.lines = One(table.lines, row);
  one.files = One(table.files, row);
  one.texts = One(table.texts, row);
  return one;
}

absl::StatusOr<std::unique_ptr<ReplayRows>> ReplayRows::Open(absl::Span<const std::string> files,
                                                             const v1::ModelFile& model, ReplayRowsOptions options) {
  if (model.files().event_time_column().empty()) {
    return absl::InvalidArgumentError(
        "the model file names no event_time_column (in `files`), so nothing tells when its events happened");
  }
  EventReaderOptions reading;
  const bool sorts = !options.predict_time_column.empty();
  reading.batch_rows = sorts ? kSortedBatchRows : 1;  // A window would put rows into another order.
  reading.window_rows = sorts ? kSortedWindowRows : 1;
  reading.limit = options.limit;
  reading.scene = options.scene;
  reading.stop = options.stop;
  reading.on_rejected = options.on_rejected;
  reading.other_time_column = options.predict_time_column;
  reading.mark_dates = true;
  reading.rows.keep_text = options.keep_text;
  absl::StatusOr<std::unique_ptr<EventReader>> reader = EventReader::OpenFiles(files, model, std::move(reading));
  if (!reader.ok()) return reader.status();
  return std::unique_ptr<ReplayRows>(new ReplayRows(*std::move(reader), std::move(options)));
}

absl::StatusOr<bool> ReplayRows::Next(ReplayRow* row) {
  if (sorts()) {
    if (!all_read_) {
      if (absl::Status status = ReadAll(); !status.ok()) return status;
    }
    if (next_ == order_.size()) return false;
    const Place& place = order_[next_++];
    row->table = RowOf(tables_[place.table], place.row);
    row->predict_at = place.predict_at;
  } else {
    for (;;) {
      const absl::StatusOr<bool> more = reader_->Next(&row->table);
      if (!more.ok() || !*more) return more;
      row->predict_at = TimeIn(row->table, 0, false);
      if (row->predict_at != 0) break;
      RejectTimeless(row->table, 0);
    }
    if (row->predict_at < last_predict_at_) ++out_of_order_;
    last_predict_at_ = row->predict_at;
  }
  row->event_at = TimeIn(row->table, 0, false);
  row->label_at = LabelAt(row->table, 0, row->predict_at);
  return true;
}

double ReplayRows::fraction() const {
  if (all_read_) return order_.empty() ? 1 : static_cast<double>(next_) / static_cast<double>(order_.size());
  if (sorts() || reader_->file_bytes() == 0) return -1;
  return static_cast<double>(reader_->file_bytes_read()) / static_cast<double>(reader_->file_bytes());
}

absl::Status ReplayRows::ReadAll() {
  all_read_ = true;
  for (EventTable table;;) {
    const absl::StatusOr<bool> more = reader_->Next(&table);
    if (!more.ok()) return more.status();
    if (!*more) break;
    for (int64_t row = 0; row < table.rows(); ++row) {
      const int64_t predict_at = TimeIn(table, row, true);
      if (predict_at == 0) {
        RejectTimeless(table, row);
        continue;
      }
      order_.push_back({predict_at, static_cast<uint32_t>(tables_.size()), static_cast<uint32_t>(row)});
    }
    tables_.push_back(std::move(table));
  }
  const auto key = [this](const Place& place) {
    const EventTable& table = tables_[place.table];
    return std::make_tuple(place.predict_at, table.files.empty() ? 0 : table.files[place.row], table.lines[place.row]);
  };
  std::sort(order_.begin(), order_.end(), [&](const Place& a, const Place& b) { return key(a) < key(b); });
  return absl::OkStatus();
}

void ReplayRows::RejectTimeless(const EventTable& table, int64_t row) {
  if (options_.on_rejected == nullptr) return;
  const size_t file = table.files.empty() ? 0 : table.files[row];
  const EventColumns& columns = reader_->columns(file);
  const int field = sorts() ? columns.other_time_field : columns.event_time_field;
  RejectedLine line;
  line.line = table.lines[row];
  line.file = file;
  line.reason = "missing_value";
  line.message =
      absl::StrCat("column '", columns.header[field], "': the field is empty, expected a time to predict at");
  line.is_row = true;
  if (!table.texts.empty()) line.text = table.texts[row];
  options_.on_rejected(line);
}

}  // namespace polyscene::replay
