// Labelled events of files, as batches of one scene each.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "model/data/event_columns.h"
#include "model/data/examples.h"
#include "model/data/merged_rows.h"
#include "model/data/row_source.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// Labelled rows of one scene that own their values.
struct EventTable {
  // One task's labels; fields as in LabelsView.
  struct Labels {
    std::string task;
    int outputs = 1;
    std::vector<float> values;      // [rows, outputs]
    std::vector<uint32_t> missing;  // Rows without a label. A forecast with a gap has none.
  };

  std::string scene;
  Table features;
  std::vector<Labels> labels;
  std::vector<float> weights;               // [rows], or empty: the file has none.
  std::vector<int64_t> event_times_micros;  // [rows], or empty: the file has none. 0: this row's is unknown.
  std::vector<int64_t> label_times_micros;  // Likewise.
  std::vector<int64_t> other_times_micros;  // Likewise: EventReaderOptions::other_time_column.
  std::vector<uint8_t> dates;               // [rows] kEventDate and the like, or empty: not asked for.
  std::vector<std::string> request_ids;     // As event_times_micros; empty text: unknown.
  std::vector<int64_t> lines;               // [rows] of the file.
  std::vector<uint32_t> files;              // [rows] Numbers of the files, or empty: all are of the first.
  std::vector<std::string> texts;           // [rows] as their files have them, or empty: not kept.

  // Of `dates`: which times of a row are days without a time of day.
  static constexpr uint8_t kEventDate = 1, kLabelDate = 2, kOtherDate = 4;

  int64_t rows() const { return features.rows; }
  ExamplesView View() const;  // Valid until this table is changed, moved or destroyed.
};

// A line that was not taken.
struct RejectedLine {
  int64_t line = 0;
  absl::string_view reason;  // A short fixed word: RowSource::problem()'s, or unknown_scene, wrong_type, missing_value,
                             // not_finite, out_of_range, not_utf8.
  std::string message;       // Names the column, what came and what was expected.
  size_t file = 0;           // Its number.
  bool is_row = false;       // It could be read as a row, but a value does not fit.
  absl::string_view text;    // As the file has it; empty where it is not kept or was too long.
};

struct EventReaderOptions {
  int64_t batch_rows = 256;  // The most rows of a batch.
  // Rows read before any is returned. They are returned scene by scene, in the order of each scene's first row, so that
  // files whose scenes alternate make few batches; no row moves further than this from its place.
  int64_t window_rows = 1024;
  int64_t limit = std::numeric_limits<int64_t>::max();  // Rows to return.
  bool features_only = false;  // Labels, times and weights are not read and may be absent: the rows are to be scored.
  // Called from within Next() for each line that is not taken, in the order of the file.
  std::function<void(const RejectedLine&)> on_rejected;
  // The scene of rows that do not say theirs: of a file without the column, of a JSON object without the key. Empty:
  // the model's only scene.
  std::string scene;
  // From a pipe: the longest that a row waits for others before Next() returns it. Only with it is the end of such a
  // wait, and not of a window, the end of a batch. Default: no row is returned before its window is full.
  absl::Duration longest_wait = absl::InfiniteDuration();
  // Asked now and then; once true, Next() returns what was read before and then ends. With longest_wait also while a
  // pipe gives nothing.
  std::function<bool()> stop;
  std::string other_time_column;  // One more column of times to read. Empty: none.
  bool mark_dates = false;        // EventTable::dates is wanted.
  RowOptions rows;
};

// Reads events as a model file describes them, from CSV with a header line or from JSON lines (a file that begins with
// '{'), plain or gzip. The same files, model and options give the same batches, every time, but for longest_wait.
// Not thread-safe.
class EventReader {
 public:
  // Opens the file ("-": standard input) and checks its header against the model file.
  //   ByteSource::Open's and CsvReader::Open's errors
  //   kInvalidArgument  the header lacks a required feature, the scene's column (with several scenes), a column that
  //                     the model file's `files` names, some columns of a forecast, or the labels of all tasks; says
  //                     what it has instead. The file is a JSON array. options.scene is not in the model. The header
  //                     lacks options.other_time_column
  // `model` may be destroyed afterwards.
  static absl::StatusOr<std::unique_ptr<EventReader>> Open(const std::string& path, const v1::ModelFile& model,
                                                           EventReaderOptions options = {});

  // The same for several files, whose rows come in the order of their event times (MergedRows has the rule). What is
  // wrong with any of them is told of all at once.
  static absl::StatusOr<std::unique_ptr<EventReader>> OpenFiles(absl::Span<const std::string> paths,
                                                                const v1::ModelFile& model,
                                                                EventReaderOptions options = {});

  // Moves the next batch into `batch`; false at the end.
  //   kDataLoss, kUnavailable  a file cannot be read on (RowSource::status()); every row before was returned
  absl::StatusOr<bool> Next(EventTable* batch);

  // What is read from each file. Features and tasks that another file has, and this one does not, are there too.
  size_t files() const { return columns_.size(); }
  const EventColumns& columns(size_t file = 0) const { return columns_[file]; }
  const RowSource& source(size_t file = 0) const { return rows_.rows(file); }

  int64_t rows_read() const { return rows_read_; }  // Good rows, some of which Next() has yet to return.
  int64_t lines_rejected() const { return lines_rejected_; }
  int64_t file_bytes() const;  // Of all files as stored; 0 where it is not known.
  int64_t file_bytes_read() const;

 private:
  EventReader(std::vector<MergedRows::File> files, std::vector<EventColumns> columns, int only_scene,
              EventReaderOptions options);

  void FillWindow();
  void Reject(absl::string_view reason, std::string message, bool is_row = true);
  absl::string_view Field(int field) const { return field < 0 ? absl::string_view() : rows_.rows().fields()[field]; }
  const EventColumns& RowColumns() const { return columns_[rows_.file()]; }  // Of the current row's file.

  // The scene of the current row; -1, after Reject(), if it has none.
  int SceneOfRow();

  // Appends the current row to `batch`; false, after Reject(), leaving `batch` as it was, if a field does not fit.
  bool AppendRow(const SceneColumns& columns, EventTable& batch);
  bool AppendFeature(const FeatureColumn& feature, Column& column, uint32_t row);
  bool AppendLabels(const TaskColumns& task, EventTable::Labels& labels, uint32_t row);
  bool AppendTimes(EventTable& batch);
  bool AppendTime(int field, std::vector<int64_t>& times);
  bool AppendWeight(std::vector<float>& weights);
  EventTable NewBatch(const SceneColumns& columns) const;

  const EventReaderOptions options_;
  const std::vector<EventColumns> columns_;  // [files]
  const int only_scene_;                     // Of rows that do not say theirs; -1: they must.
  MergedRows rows_;
  std::deque<EventTable> ready_;  // Read and not yet returned, in order.
  int64_t rows_read_ = 0;
  int64_t lines_rejected_ = 0;
  bool ended_ = false;
};

}  // namespace polyscene
