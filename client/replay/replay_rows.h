// Rows of files in the order of the times at which they are predicted.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::replay {

struct ReplayRow {
  EventTable table;        // One row.
  int64_t event_at = 0;    // When it happened, microseconds since 1970; 0: not known.
  int64_t predict_at = 0;  // Likewise, as the next.
  int64_t label_at = 0;    // When its labels were known; never before it is predicted.
};

struct ReplayRowsOptions {
  // Rows are predicted at this column's time instead of the event's; then all of them are read, and held in memory,
  // before the first is returned, because they stand in another order. Empty: at the event's time, as they stand.
  std::string predict_time_column;
  int64_t limit = std::numeric_limits<int64_t>::max();  // Rows to return.
  std::string scene;                                    // As EventReaderOptions, and so the following.
  bool keep_text = false;
  std::function<bool()> stop;
  // Also of rows that have no time to be predicted at (missing_value).
  std::function<void(const RejectedLine&)> on_rejected;
};

// Not thread-safe.
class ReplayRows {
 public:
  // EventReader::OpenFiles's errors; kInvalidArgument: the model file names no event_time_column.
  static absl::StatusOr<std::unique_ptr<ReplayRows>> Open(absl::Span<const std::string> files,
                                                          const v1::ModelFile& model, ReplayRowsOptions options);

  // False at the end. Errors as EventReader::Next().
  absl::StatusOr<bool> Next(ReplayRow* row);

  const EventReader& reader() const { return *reader_; }

  double fraction() const;  // Of all rows, those returned, 0 to 1; below 0: not known.

  // Rows returned whose time lies before that of the row before: what came later is known already when they are
  // predicted.
  int64_t out_of_order() const { return out_of_order_; }

 private:
  struct Place {
    int64_t predict_at = 0;
    uint32_t table = 0;  // Index into tables_.
    uint32_t row = 0;
  };

  ReplayRows(std::unique_ptr<EventReader> reader, ReplayRowsOptions options)
      : options_(std::move(options)), reader_(std::move(reader)) {}
  bool sorts() const { return !options_.predict_time_column.empty(); }
  absl::Status ReadAll();
  void RejectTimeless(const EventTable& table, int64_t row);

  ReplayRowsOptions options_;
  std::unique_ptr<EventReader> reader_;
  int64_t last_predict_at_ = std::numeric_limits<int64_t>::min();
  int64_t out_of_order_ = 0;

  // Where they are sorted.
  bool all_read_ = false;
  std::vector<EventTable> tables_;
  std::vector<Place> order_;
  size_t next_ = 0;  // Of order_.
};

// Row `row` of `table`, as a table.
EventTable RowOf(const EventTable& table, int64_t row);

}  // namespace polyscene::replay
