#include "model/offline/score_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/data/event_reader.h"
#include "model/offline/checked_table.h"
#include "model/report/new_file.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

constexpr int64_t kBatchRows = 1024;   // Scored at once.
constexpr int64_t kWindowRows = 4096;  // Read before they are scored, scene by scene.
constexpr size_t kWriteBytes = 1 << 20;

void AppendNumber(float value, std::string& text) {
  char digits[32];
  const std::to_chars_result end =
      std::to_chars(digits, digits + sizeof(digits), value);  // The shortest that is exact.
  text.append(digits, end.ptr);
}

void AppendField(absl::string_view field, std::string& text) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) {
    text.append(field.data(), field.size());
  } else {
    absl::StrAppend(&text, "\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
  }
}

// Where each output stands in a line of scores.
class ScoreColumns {
 public:
  ScoreColumns(const ModelSpec& spec, std::vector<const SceneSpec*> scenes, std::string request_id_column)
      : spec_(spec), request_id_column_(std::move(request_id_column)), first_(spec.tasks().size(), -1) {
    for (size_t task = 0; task < first_.size(); ++task) {
      const bool scored =
          std::any_of(scenes.begin(), scenes.end(), [&](const SceneSpec* s) { return s->has_task[task]; });
      if (!scored) continue;
      first_[task] = outputs_;
      outputs_ += spec.tasks()[task].outputs;
    }
    ranks_ = std::any_of(scenes.begin(), scenes.end(), [](const SceneSpec* s) { return !s->rank_by.empty(); });
  }

  std::string Header() const {
    std::string line = "line,scene";
    if (!request_id_column_.empty()) {
      line += ',';
      AppendField(request_id_column_, line);
    }
    for (size_t task = 0; task < first_.size(); ++task) {
      if (first_[task] < 0) continue;
      const int outputs = spec_.tasks()[task].outputs;
      for (int i = 0; i < outputs; ++i) {
        absl::StrAppend(&line, ",", spec_.tasks()[task].name);
        if (outputs > 1) absl::StrAppend(&line, "[", i, "]");
      }
    }
    return line + (ranks_ ? ",ranking,error\n" : ",error\n");
  }

  std::string Scored(int64_t line, absl::string_view scene, absl::string_view request_id, const ScoreResult& result,
                     int64_t row) const {
    std::string text = Begin(line, scene, request_id);
    for (size_t task = 0; task < first_.size(); ++task) {
      if (first_[task] < 0) continue;
      const auto scored = std::find_if(result.tasks.begin(), result.tasks.end(),
                                       [task](const ScoredTask& t) { return t.task == static_cast<int>(task); });
      if (scored == result.tasks.end()) {
        text.append(spec_.tasks()[task].outputs, ',');
        continue;
      }
      for (int i = 0; i < scored->outputs; ++i) {
        text += ',';
        AppendNumber(scored->values[row * scored->outputs + i], text);
      }
    }
    if (ranks_) {
      text += ',';
      if (!result.ranking.empty()) AppendNumber(result.ranking[row], text);
    }
    return text + ",\n";
  }

  std::string Unscored(int64_t line, absl::string_view scene, absl::string_view request_id,
                       absl::string_view error) const {
    std::string text = Begin(line, scene, request_id);
    text.append(outputs_ + (ranks_ ? 1 : 0) + 1, ',');
    AppendField(error, text);
    return text + "\n";
  }

 private:
  std::string Begin(int64_t line, absl::string_view scene, absl::string_view request_id) const {
    std::string text = absl::StrCat(line, ",", scene);
    if (!request_id_column_.empty()) {
      text += ',';
      AppendField(request_id, text);
    }
    return text;
  }

  const ModelSpec& spec_;
  const std::string request_id_column_;  // Empty: the file has none.
  std::vector<int> first_;               // [tasks] its first output's place; -1: scored in no scene at hand.
  int outputs_ = 0;
  bool ranks_ = false;
};

absl::string_view RequestId(const EventTable& table, int64_t row) {
  return table.request_ids.empty() ? absl::string_view() : absl::string_view(table.request_ids[row]);
}

double FractionRead(const EventReader& reader) {
  if (reader.file_bytes() == 0) return 0;
  return static_cast<double>(reader.file_bytes_read()) / static_cast<double>(reader.file_bytes());
}

}  // namespace

absl::StatusOr<ScoredFile> ScoreFile(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                     const Snapshot& snapshot, RowScorer& scorer, const ScoreFileOptions& options,
                                     RefusedRows& refused, const std::function<bool(int64_t, double)>& progress) {
  std::map<int64_t, std::string> lines;  // Of the window at hand, by the row's line in its file.
  ScoredFile result;
  std::unique_ptr<ScoreColumns> columns;
  EventReaderOptions reading;
  reading.features_only = true;
  reading.scene = options.scene;
  reading.batch_rows = kBatchRows;
  reading.window_rows = kWindowRows;
  reading.on_rejected = [&](const RejectedLine& line) {
    refused.Add(options.path, line.line, line.reason, line.message);
    lines[line.line] = columns->Unscored(line.line, options.scene, "", line.message);
    ++result.unscored;
  };
  const auto reader = EventReader::Open(options.path, spec->file(), reading);
  if (!reader.ok()) return reader.status();
  const int request_id_field = (*reader)->columns().request_id_field;
  const bool names_scenes = (*reader)->columns().scene_field >= 0;
  std::vector<const SceneSpec*> scenes;  // Of which there may be rows.
  for (const SceneSpec& scene : spec->scenes()) {
    if (names_scenes || options.scene.empty() || scene.name == options.scene) scenes.push_back(&scene);
  }
  columns = std::make_unique<ScoreColumns>(*spec, std::move(scenes),
                                           request_id_field < 0 ? "" : (*reader)->columns().header[request_id_field]);

  auto out = NewFile::Create(options.out);
  if (!out.ok()) return out.status();
  std::string text = columns->Header();
  const auto finish_window = [&]() -> absl::Status {
    for (const auto& [number, line] : lines) text += line;
    result.rows += static_cast<int64_t>(lines.size());
    lines.clear();
    if (text.size() < kWriteBytes) return absl::OkStatus();
    return (*out)->Write(std::exchange(text, ""));
  };

  EventTable table;
  int64_t returned = 0;
  for (;;) {
    const absl::StatusOr<bool> more = (*reader)->Next(&table);
    if (!more.ok()) return more.status();
    if (!*more) break;
    returned += table.rows();
    const std::vector<RowError> errors = CheckAndHash(*spec, key, table);
    for (const RowError& error : errors) {
      const int64_t line = table.lines[error.row];
      refused.Add(options.path, line, error.reason, error.message);
      lines[line] = columns->Unscored(line, table.scene, RequestId(table, error.row), error.message);
      ++result.unscored;
    }
    const TableView view = table.features.View();
    for (const auto& [begin, end] : GoodRanges(table.rows(), errors)) {
      const auto scored = scorer.Score(snapshot, spec->FindScene(table.scene), view, begin, end);
      if (!scored.ok()) return scored.status();
      for (int64_t row = begin; row < end; ++row) {
        lines[table.lines[row]] =
            columns->Scored(table.lines[row], table.scene, RequestId(table, row), *scored, row - begin);
      }
    }
    if (returned == (*reader)->rows_read()) {
      if (absl::Status status = finish_window(); !status.ok()) return status;
      if (!progress(result.rows, FractionRead(**reader)))
        return absl::CancelledError("interrupted while rows were scored");
    }
  }
  if (absl::Status status = finish_window(); !status.ok()) return status;  // Bad lines behind the last good one.
  if (result.rows == 0)
    return absl::InvalidArgumentError(absl::StrCat(options.path, ": has no rows, expected at least one"));
  if (absl::Status status = (*out)->Write(text); !status.ok()) return status;
  if (absl::Status status = (*out)->Close(); !status.ok()) return status;
  return result;
}

}  // namespace polyscene
