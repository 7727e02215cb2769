#include "client/modelfile/model_init.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/event_columns.h"
#include "model/report/text_table.h"
#include "model/spec/model_spec.h"

namespace polyscene {
namespace {

constexpr size_t kShownLines = 12;
constexpr int kShownColumns = 200;  // Of a very wide file; --json has them all.

// "INT64 one_hot", "FLOAT numeric" and the like.
std::string HowItEnters(const v1::Feature& feature) {
  std::vector<std::string> parts = {v1::ValueType_Name(feature.type())};
  if (feature.has_sequence()) parts.push_back("sequence");
  for (const v1::Encoding& encoding : feature.encode()) {
    const auto* field = encoding.GetDescriptor()->FindFieldByNumber(encoding.kind_case());
    parts.push_back(field->name());
  }
  if (feature.personal()) parts.push_back("personal");
  return absl::StrJoin(parts, " ");
}

absl::string_view KindOf(const v1::Task& task) {
  return task.has_binary()        ? "binary"
         : task.has_multi_class() ? "multi_class"
         : task.has_forecast()    ? "forecast"
         : task.has_product()     ? "product"
                                  : "regression";
}

struct ColumnStory {
  std::string column;
  std::string became;
  std::string reason;
};

std::vector<ColumnStory> Stories(const InitResult& result) {
  std::vector<ColumnStory> stories(result.guess.columns.size());
  for (size_t c = 0; c < stories.size(); ++c) {
    stories[c].column =
        result.sample.header()[c].empty() ? absl::StrCat("(column ", c + 1, ")") : result.sample.header()[c];
    stories[c].became = std::string(RoleName(result.guess.columns[c].role));
    stories[c].reason = result.guess.columns[c].reason;
  }
  const Proposal& proposal = result.proposal;
  for (int f = 0; f < proposal.file.features_size(); ++f) {
    const v1::Feature& feature = proposal.file.features(f);
    ColumnStory& story = stories[proposal.feature_columns[f]];
    story.became = absl::StrCat(feature.side() == v1::CANDIDATE ? "candidate " : "context ", HowItEnters(feature));
    story.reason = proposal.feature_reasons[f];
  }
  for (int t = 0; t < proposal.file.tasks_size(); ++t) {
    for (const int c : proposal.task_columns[t]) {
      stories[c].became = absl::StrCat("label, ", KindOf(proposal.file.tasks(t)));
      stories[c].reason = proposal.task_reasons[t];
    }
  }
  return stories;
}

}  // namespace

absl::StatusOr<InitResult> InitModel(const InitOptions& options) {
  absl::StatusOr<TableSample> sample = TableSample::Read(options.events, options.sample);
  if (!sample.ok()) return sample.status();
  absl::StatusOr<TableGuess> guess = GuessRoles(*sample, options.wishes);
  if (!guess.ok()) return guess.status();
  Proposal proposal = Propose(*sample, *guess, options.name);
  WrittenModel written = WriteModel(proposal, *sample, *guess, options.events);

  const auto spec = ModelSpec::Parse(written.text, "the proposal");
  if (!spec.ok())
    return absl::InternalError(absl::StrCat("the proposed model file does not load: ", spec.status().message()));
  if (const auto columns = EventColumns::Find((*spec)->file(), sample->header()); !columns.ok()) {
    return absl::InternalError(
        absl::StrCat("the proposed model file does not fit its file: ", columns.status().message()));
  }
  return InitResult{*std::move(sample), *std::move(guess), std::move(proposal), std::move(written)};
}

std::string GuessesText(const InitResult& result, const std::string& out) {
  const TableSample& sample = result.sample;
  std::string text = absl::StrCat("Read ", sample.whole_file() ? "all " : "the first ", WithThousands(sample.rows()),
                                  " rows of ", sample.path(), ".\n");
  if (sample.bad_lines() > 0) {
    absl::StrAppend(&text, sample.bad_lines(), sample.bad_lines() == 1 ? " line" : " lines",
                    " cannot be read: ", sample.first_bad_line(), "\n");
  }
  absl::StrAppend(&text, "\nWhat each column was taken for, and why:\n");
  const std::vector<ColumnStory> stories = Stories(result);
  size_t column_width = 0, became_width = 0;
  for (const ColumnStory& story : stories) {
    column_width = std::max(column_width, std::min<size_t>(story.column.size(), 32));
    became_width = std::max(became_width, std::min<size_t>(story.became.size(), 36));
  }
  const auto padded = [](const std::string& s, size_t width) {
    return s + std::string(width > s.size() ? width - s.size() : 0, ' ');
  };
  for (size_t c = 0; c < std::min<size_t>(stories.size(), kShownColumns); ++c) {
    absl::StrAppend(&text, "  ", padded(stories[c].column, column_width), "  ", padded(stories[c].became, became_width),
                    "  ", stories[c].reason, "\n");
  }
  if (stories.size() > kShownColumns) absl::StrAppend(&text, "  and ", stories.size() - kShownColumns, " more\n");
  absl::StrAppend(&text, "Scenes: ", result.proposal.scene_reason, ".\n");
  absl::StrAppend(&text, "Network: ", result.proposal.network_reason, "\n");

  absl::StrAppend(
      &text,
      "\nWhat I could not know. Each was answered by a guess, so nothing must be edited; where a guess is wrong:\n");
  for (size_t e = 0; e < result.written.edits.size(); ++e) {
    const Edit& edit = result.written.edits[e];
    absl::StrAppend(&text, e + 1, ". ", edit.what, "\n");
    for (size_t i = 0; i < std::min(edit.now.size(), kShownLines); ++i) {
      absl::StrAppend(&text, "     ", out.empty() ? "line " : absl::StrCat(out, ":"), edit.now[i].number, ": ",
                      edit.now[i].text, "\n");
    }
    if (edit.now.size() > kShownLines)
      absl::StrAppend(&text, "     and ", edit.now.size() - kShownLines, " lines more\n");
    for (const std::string& line : edit.instead) absl::StrAppend(&text, "   > ", line, "\n");
  }
  return text;
}

Json GuessesJson(const InitResult& result) {
  Json json;
  json["file"] = result.sample.path();
  json["rows_read"] = result.sample.rows();
  json["whole_file"] = result.sample.whole_file();
  json["lines_unreadable"] = result.sample.bad_lines();
  json["columns"] = Json::array();
  for (const ColumnStory& story : Stories(result)) {
    json["columns"].push_back({{"column", story.column}, {"taken_for", story.became}, {"reason", story.reason}});
  }
  json["scenes"] = result.proposal.scene_reason;
  json["network"] = result.proposal.network_reason;
  json["could_not_know"] = Json::array();
  for (const Edit& edit : result.written.edits) {
    Json entry;
    entry["what"] = edit.what;
    entry["now"] = Json::array();
    for (const Edit::Line& line : edit.now) entry["now"].push_back({{"line", line.number}, {"text", line.text}});
    entry["instead"] = edit.instead;
    json["could_not_know"].push_back(std::move(entry));
  }
  json["model_file"] = result.written.text;
  return json;
}

}  // namespace polyscene
