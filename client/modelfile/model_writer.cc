#include "client/modelfile/model_writer.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/modelfile/compact_text.h"
#include "model/report/text_table.h"
#include "model/spec/utf8.h"

namespace polyscene {
namespace {

constexpr size_t kLineBytes = 130;
constexpr size_t kMostCommentBytes = 300;

// One line of plain text, whatever the names in it hold.
std::string OneLine(absl::string_view text, size_t most = kMostCommentBytes) {
  std::string line;
  for (const char c : text.substr(0, most)) {
    line.push_back(absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c);
  }
  if (text.size() > most) absl::StrAppend(&line, "...");
  for (size_t bad; (bad = FindInvalidUtf8(line)) < line.size();) line[bad] = '?';
  return line;
}

class ModelWriter {
 public:
  ModelWriter(const Proposal& proposal, const TableSample& sample, const TableGuess& guess)
      : proposal_(proposal), sample_(sample), guess_(guess) {}

  WrittenModel Write(const std::string& events) {
    Head(events);
    Add(CompactText(Named()));
    Features();
    Scenes();
    Tasks();
    NetworkAndLearning();
    Files();
    WrittenModel written;
    written.text = absl::StrCat(absl::StrJoin(lines_, "\n"), "\n");
    for (const Doubt& doubt : proposal_.doubts) written.edits.push_back(EditFor(doubt));
    return written;
  }

 private:
  struct Span {
    size_t begin = 0;
    size_t end = 0;
  };

  void Add(std::string line) { lines_.push_back(std::move(line)); }
  void Section(absl::string_view title) {
    Add("");
    std::string rule = absl::StrCat("# ---- ", title, " ");
    rule.resize(std::max<size_t>(rule.size(), 120), '-');
    Add(rule);
  }
  // Wrapped to the width of a line.
  void Comment(absl::string_view text) {
    std::string line = "#";
    for (const absl::string_view word : absl::StrSplit(OneLine(text), ' ')) {
      if (line.size() + 1 + word.size() > kLineBytes && line.size() > 1) {
        Add(line);
        line = "#";
      }
      absl::StrAppend(&line, " ", word);
    }
    Add(line);
  }

  v1::ModelFile Named() const {
    v1::ModelFile named;
    named.set_name(proposal_.file.name());
    return named;
  }

  void Head(const std::string& events) {
    const std::string rows =
        absl::StrCat(sample_.whole_file() ? "all " : "the first ", WithThousands(sample_.rows()), " rows");
    Comment(absl::StrCat("Proposed by `polyscene model init` from ", rows, " of ", events,
                         ": guesses, each with its reason."));
    Comment("It is yours from here on: the schema, with every default, is proto/polyscene/v1/model.proto.");
    Add("#");
    Add(OneLine(absl::StrCat("#   polyscene model check THIS_FILE --data ", events)));
    Add("#   polyscene-server --model THIS_FILE --data_dir DIRECTORY");
    Add(OneLine(absl::StrCat("#   polyscene stream ", events)));
    Add("");
  }

  // The line of one element; broken before each `encode` where it is too long.
  Span Element(absl::string_view field, const google::protobuf::Message& message, absl::string_view reason) {
    if (!reason.empty()) Comment(reason);
    const Span span{lines_.size(), 0};
    const std::string inside = CompactText(message);
    const std::string line = absl::StrCat(field, " { ", inside, " }");
    if (line.size() <= kLineBytes || inside.find(" encode ") == std::string::npos) {
      Add(line);
    } else {
      Add(absl::StrCat(field, " {"));
      std::string rest = inside;
      for (size_t at; (at = rest.find(" encode { ", 1)) != std::string::npos; rest.erase(0, at + 1)) {
        Add(absl::StrCat("  ", rest.substr(0, at)));
      }
      Add(absl::StrCat("  ", rest));
      Add("}");
    }
    return Span{span.begin, lines_.size()};
  }

  void Features() {
    Section("features");
    bool candidates = false;
    const auto is_candidate = [](const v1::Feature& feature) { return feature.side() == v1::CANDIDATE; };
    const auto& features = proposal_.file.features();
    Comment(
        std::any_of(features.begin(), features.end(), is_candidate)
            ? "Context: who asks, and the moment. One row a request."
            : "One row is one thing to predict for: nothing is offered to choose among, so every feature is context.");
    for (int f = 0; f < proposal_.file.features_size(); ++f) {
      const v1::Feature& feature = proposal_.file.features(f);
      if (feature.side() == v1::CANDIDATE && !candidates) {
        candidates = true;
        Add("");
        Comment("Candidate: what is offered. One row for each thing to be scored.");
      }
      Add("");
      features_[proposal_.feature_columns[f]] = Element("features", feature, proposal_.feature_reasons[f]);
    }
    Add("");
    Comment("Left out, each for its reason:");
    for (size_t c = 0; c < guess_.columns.size(); ++c) {
      if (guess_.columns[c].role != Role::kLeftOut) continue;
      const std::string name = sample_.header()[c].empty() ? absl::StrCat("column ", c + 1) : sample_.header()[c];
      Comment(absl::StrCat("  ", name, ": ", guess_.columns[c].reason));
    }
    if (guess_.All(Role::kLeftOut).empty()) lines_.back() = "# No column is left out.";
  }

  void Scenes() {
    Section("scenes");
    Comment(absl::StrCat(proposal_.scene_reason, "."));
    scenes_.begin = lines_.size();
    for (const v1::Scene& scene : proposal_.file.scenes()) Element("scenes", scene, "");
    scenes_.end = lines_.size();
  }

  void Tasks() {
    Section("tasks");
    Comment(
        "The joint loss is the sum of each task's weight (1 where none is said) times its loss; an empty label counts "
        "for nothing.");
    for (int t = 0; t < proposal_.file.tasks_size(); ++t) {
      Add("");
      tasks_[proposal_.task_columns[t][0]] = Element("tasks", proposal_.file.tasks(t), proposal_.task_reasons[t]);
    }
  }

  void NetworkAndLearning() {
    Section("network and learning");
    Element("network", proposal_.file.network(), proposal_.network_reason);
    Add("");
    Element("dense_optimizer", proposal_.file.dense_optimizer(), proposal_.learning_reason);
    Element("row_optimizer", proposal_.file.row_optimizer(), "");
    Element("learning", proposal_.file.learning(), "");
  }

  void Files() {
    Section("data files");
    files_.begin = lines_.size();
    if (CompactText(proposal_.file.files()).empty()) {
      Comment("Features and labels are found by name; the file has no time, request or scene column.");
    } else {
      std::string reasons = "Features and labels are found by name";
      for (const Role role : {Role::kEventTime, Role::kLabelTime, Role::kRequestId, Role::kWeight}) {
        const int c = guess_.Find(role);
        if (c >= 0) absl::StrAppend(&reasons, "; ", RoleName(role), ": ", guess_.columns[c].reason);
      }
      Comment(absl::StrCat(reasons, "."));
      files_ = Element("files", proposal_.file.files(), "");
    }
    files_.end = lines_.size();
  }

  Edit EditFor(const Doubt& doubt) const {
    Edit edit;
    edit.what = OneLine(doubt.what, doubt.what.size());
    edit.instead = doubt.instead;
    const auto add = [&](const Span* span) {
      for (size_t line = span == nullptr ? 0 : span->begin; span != nullptr && line < span->end; ++line) {
        edit.now.push_back({static_cast<int>(line) + 1, lines_[line]});
      }
    };
    if (doubt.place == Doubt::Place::kScenes) add(&scenes_);
    if (doubt.place == Doubt::Place::kFiles) add(&files_);
    for (const int c : doubt.columns) add(Find(doubt.place == Doubt::Place::kTask ? tasks_ : features_, c));
    return edit;
  }

  static const Span* Find(const std::map<int, Span>& spans, int column) {
    const auto found = spans.find(column);
    return found == spans.end() ? nullptr : &found->second;
  }

  const Proposal& proposal_;
  const TableSample& sample_;
  const TableGuess& guess_;
  std::vector<std::string> lines_;
  std::map<int, Span> features_;  // By column, as are the tasks: which lines of the text.
  std::map<int, Span> tasks_;
  Span scenes_;
  Span files_;
};

}  // namespace

WrittenModel WriteModel(const Proposal& proposal, const TableSample& sample, const TableGuess& guess,
                        const std::string& events) {
  return ModelWriter(proposal, sample, guess).Write(events);
}

}  // namespace polyscene
