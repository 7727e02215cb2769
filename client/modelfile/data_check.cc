#include "client/modelfile/data_check.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/event_reader.h"
#include "model/feature/task_labels.h"
#include "model/feature/validation.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

class DataChecker {
 public:
  DataChecker(const ModelSpec& spec, const std::string& path, int64_t rows)
      : spec_(spec), path_(path), most_rows_(rows) {
    check_.scene_rows.resize(spec.scenes().size());
    check_.labels.assign(spec.scenes().size(), std::vector<int64_t>(spec.tasks().size()));
  }

  absl::StatusOr<DataCheck> Check() {
    EventReaderOptions options;
    options.on_rejected = [this](const RejectedLine& line) { Refuse(line.reason, line.line, line.message); };
    absl::StatusOr<std::unique_ptr<EventReader>> reader = EventReader::Open(path_, spec_.file(), options);
    if (!reader.ok()) return reader.status();
    CompareColumns((*reader)->columns());
    // Read on in windows: what is looked at is a little more than asked for.
    EventTable batch;
    while ((*reader)->rows_read() + (*reader)->lines_rejected() < most_rows_ || pending_) {
      const absl::StatusOr<bool> more = (*reader)->Next(&batch);
      if (!more.ok()) return more.status();
      if (!*more) {
        check_.whole_file = true;
        break;
      }
      Count(batch);
      pending_ = counted_ < (*reader)->rows_read();
    }
    check_.rows_read = (*reader)->rows_read() + (*reader)->lines_rejected();
    return std::move(check_);
  }

 private:
  void Refuse(absl::string_view reason, int64_t line, const std::string& message) {
    Refusals& refusals = check_.refused[std::string(reason.data(), reason.size())];
    if (refusals.rows++ == 0) {
      refusals.first_line = line;
      refusals.first_message = message;
    }
  }

  void CompareColumns(const EventColumns& columns) {
    std::set<std::string> asked;
    const std::set<std::string> header(columns.header.begin(), columns.header.end());
    const auto look = [&](absl::string_view what, const std::string& name, const std::string& column) {
      asked.insert(column);
      if (header.count(column) > 0) {
        check_.found.push_back(column);
      } else {
        check_.absent.push_back(
            absl::StrCat(what, " '", name, "'", column == name ? "" : absl::StrCat(" (column '", column, "')")));
      }
    };
    for (const FeatureSpec& feature : spec_.features()) look("feature", feature.name, feature.column);
    for (const TaskSpec& task : spec_.tasks()) {
      for (const std::string& column : task.columns) look("task", task.name, column);
    }
    const v1::Files& files = spec_.file().files();
    for (const std::string& column : {files.scene_column(), files.event_time_column(), files.label_time_column(),
                                      files.request_id_column(), files.weight_column()}) {
      asked.insert(column);
    }
    for (const std::string& column : columns.header) {
      if (!column.empty() && asked.count(column) == 0) check_.unused.push_back(column);
    }
  }

  void Count(const EventTable& batch) {
    counted_ += batch.rows();
    const ExamplesView view = batch.View();
    std::vector<RowError> errors;
    ValidateExamples(spec_, view, std::numeric_limits<int64_t>::max(), errors);
    std::vector<bool> bad(batch.rows());
    for (const RowError& error : errors) {
      bad[error.row] = true;
      Refuse(error.reason, batch.lines[error.row], error.message);
    }
    const int scene = spec_.FindScene(batch.scene);
    check_.scene_rows[scene] += std::count(bad.begin(), bad.end(), false);
    const ExampleSlice slice{&view, 0, batch.rows(), ""};
    CollectLabels(spec_, absl::MakeConstSpan(&slice, 1), labels_);
    for (size_t task = 0; task < labels_.size(); ++task) {
      const std::vector<int64_t>& labelled = labels_[task].labelled;
      check_.labels[scene][task] +=
          std::count_if(labelled.begin(), labelled.end(), [&bad](int64_t row) { return !bad[row]; });
    }
  }

  const ModelSpec& spec_;
  const std::string& path_;
  const int64_t most_rows_;
  DataCheck check_;
  std::vector<TaskLabels> labels_;  // Of the batch; kept for its memory.
  int64_t counted_ = 0;
  bool pending_ = false;
};

}  // namespace

int64_t DataCheck::rows_refused() const {
  int64_t rows = 0;
  for (const auto& [reason, refusals] : refused) rows += refusals.rows;
  return rows;
}

absl::StatusOr<DataCheck> CheckData(const ModelSpec& spec, const std::string& path, int64_t rows) {
  return DataChecker(spec, path, rows).Check();
}

std::string DataText(const ModelSpec& spec, const DataCheck& check, const std::string& path) {
  const auto list = [](const std::vector<std::string>& names) {
    return names.empty() ? "none" : absl::StrJoin(names, ", ");
  };
  std::string text = absl::StrCat(path, ": ", check.whole_file ? "all " : "the first ", WithThousands(check.rows_read),
                                  " rows\n", "  columns found: ", check.found.size(), "; absent: ", list(check.absent),
                                  "; not asked for: ", list(check.unused), "\n");
  if (check.refused.empty()) {
    absl::StrAppend(&text, "  no row would be refused\n");
  } else {
    absl::StrAppend(&text, "  ", WithThousands(check.rows_refused()), " rows would be refused\n");
  }
  for (const auto& [reason, refusals] : check.refused) {
    absl::StrAppend(&text, "    ", reason, ": ", WithThousands(refusals.rows), ", first in line ", refusals.first_line,
                    ": ", refusals.first_message, "\n");
  }
  std::vector<std::string> header = {"labels in scene", "rows"};
  for (const TaskSpec& task : spec.tasks()) header.push_back(task.name);
  TextTable table(header);
  for (size_t s = 0; s < spec.scenes().size(); ++s) {
    std::vector<std::string> row = {spec.scenes()[s].name, WithThousands(check.scene_rows[s])};
    for (size_t t = 0; t < spec.tasks().size(); ++t) {
      row.push_back(spec.scenes()[s].has_task[t] ? WithThousands(check.labels[s][t]) : "-");
    }
    table.AddRow(row);
  }
  return absl::StrCat(text, "\n", table.Render());
}

Json DataJson(const ModelSpec& spec, const DataCheck& check, const std::string& path) {
  Json json;
  json["file"] = path;
  json["rows_read"] = check.rows_read;
  json["whole_file"] = check.whole_file;
  json["columns_found"] = check.found;
  json["columns_absent"] = check.absent;
  json["columns_not_asked_for"] = check.unused;
  json["rows_refused"] = check.rows_refused();
  json["refused"] = Json::array();
  for (const auto& [reason, refusals] : check.refused) {
    json["refused"].push_back({{"reason", reason},
                               {"rows", refusals.rows},
                               {"first_line", refusals.first_line},
                               {"first_message", refusals.first_message}});
  }
  json["scenes"] = Json::array();
  for (size_t s = 0; s < spec.scenes().size(); ++s) {
    Json labels;
    for (const int t : spec.scenes()[s].tasks) labels[spec.tasks()[t].name] = check.labels[s][t];
    json["scenes"].push_back(
        {{"scene", spec.scenes()[s].name}, {"rows", check.scene_rows[s]}, {"labels", std::move(labels)}});
  }
  return json;
}

}  // namespace polyscene
