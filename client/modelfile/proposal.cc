#include "client/modelfile/proposal.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/modelfile/compact_text.h"
#include "client/modelfile/encodings.h"
#include "client/modelfile/name_words.h"
#include "client/modelfile/tasks.h"
#include "client/modelfile/unique_names.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int64_t kRowsToMissATask = 20;  // A scene with so many rows and none labelled does not have the task.
constexpr size_t kShownLeaks = 5;
constexpr int kWideFeatures = 300;  // From here on the first layer is most of the model, and is kept narrow.

// shop.csv.gz -> shop
std::string NameOfPath(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  path = path.substr(0, path.find('.'));
  return UniqueNames().Make(path, "model");
}

class Proposer {
 public:
  Proposer(const TableSample& sample, const TableGuess& guess) : sample_(sample), guess_(guess) {}

  Proposal Make(const std::string& name) {
    made_.file.set_name(name.empty() ? NameOfPath(sample_.path()) : name);
    made_.doubts = guess_.doubts;
    AddFeatures();
    ShareTables();
    AddTasks();
    AddScenes();
    AddFiles();
    ChooseNetwork();
    ChooseLearning();
    AddGeneralDoubts();
    return std::move(made_);
  }

 private:
  const std::string& column_name(int c) const { return sample_.header()[c]; }

  // Wider embeddings need more rows to be learned, and ids are worth more of them than colours.
  int DimensionOf(const ColumnProfile& column) const {
    if (sample_.file_rows() < 5'000) return 4;
    return column.distinct > 10'000 ? 16 : 8;
  }

  void AddFeatures() {
    std::vector<int> columns = guess_.All(Role::kFeature);
    std::stable_sort(columns.begin(), columns.end(),
                     [&](int a, int b) { return guess_.columns[a].candidate < guess_.columns[b].candidate; });
    const bool any_candidate = !columns.empty() && guess_.columns[columns.back()].candidate;
    for (const int c : columns) {
      const ColumnGuess& guess = guess_.columns[c];
      EncodedFeature encoded = EncodeColumn(guess_.profiles[c], guess.personal, DimensionOf(guess_.profiles[c]));
      v1::Feature& feature = *made_.file.add_features();
      feature = std::move(encoded.feature);
      feature.set_name(feature_names_.Make(column_name(c), absl::StrCat("column_", c + 1)));
      feature.set_side(guess.candidate ? v1::CANDIDATE : v1::CONTEXT);
      if (feature.name() != column_name(c)) feature.set_column(column_name(c));
      made_.feature_columns.push_back(c);
      std::string side;  // Where nothing is offered to choose among, there is nothing to say of sides.
      if (any_candidate) side = absl::StrCat(guess.candidate ? ". Candidate: " : ". Context: ", guess.side_reason);
      made_.feature_reasons.push_back(absl::StrCat(encoded.reason, side));
      if (guess_.profiles[c].numbers_but_markers()) DoubtMarkers(c);
    }
  }

  void DoubtMarkers(int c) {
    const ColumnProfile& column = guess_.profiles[c];
    ColumnProfile cleaned = column;
    cleaned.empty += cleaned.markers;
    cleaned.markers = 0;
    v1::Feature better = EncodeColumn(cleaned, false, DimensionOf(cleaned)).feature;
    const v1::Feature& now = made_.file.features(made_.file.features_size() - 1);
    better.set_name(now.name());
    better.set_side(now.side());
    better.set_column(now.column());
    made_.doubts.push_back(
        {absl::StrCat("'", column.name, "' holds numbers, and '", column.marker, "' in ", column.markers,
                      " rows, so it was taken for text. If that means missing, leave those fields empty in the file "
                      "and write:"),
         Doubt::Place::kFeatures,
         {c},
         {absl::StrCat("features { ", CompactText(better), " }")}});
  }

  // What is learned of an item as "the one before" is known of it as a candidate.
  void ShareTables() {
    std::map<std::string, int> by_column;
    for (size_t f = 0; f < made_.feature_columns.size(); ++f)
      by_column[column_name(made_.feature_columns[f])] = static_cast<int>(f);
    for (size_t f = 0; f < made_.feature_columns.size(); ++f) {
      const auto origin = by_column.find(NameOfPrevious(column_name(made_.feature_columns[f])));
      if (origin == by_column.end()) continue;
      v1::Feature& before = *made_.file.mutable_features(static_cast<int>(f));
      const v1::Feature& now = made_.file.features(origin->second);
      if (before.encode_size() != 1 || now.encode_size() != 1 || !before.encode(0).has_hash() ||
          !now.encode(0).has_hash())
        continue;
      if (before.type() != now.type() || before.personal() != now.personal()) continue;
      v1::Embedding& embedding = *before.mutable_encode(0)->mutable_hash()->mutable_embedding();
      embedding.set_dimension(now.encode(0).hash().embedding().dimension());
      embedding.set_table(now.name());
      absl::StrAppend(&made_.feature_reasons[f], "; it shares the rows of '", now.name(), "'");
    }
  }

  void AddTasks() {
    UniqueNames names;
    for (ProposedTask& proposed : MakeTasks(guess_)) {
      v1::Task& task = *made_.file.add_tasks();
      task = proposed.task;
      task.set_name(names.Make(proposed.suggested_name, absl::StrCat("label_", proposed.columns[0] + 1)));
      std::vector<std::string> columns;
      for (const int c : proposed.columns) columns.push_back(column_name(c));
      NameColumns(columns, task);
      made_.task_columns.push_back(proposed.columns);
      made_.task_reasons.push_back(
          absl::StrCat(proposed.reason, ". A label: ", guess_.columns[proposed.columns[0]].reason));
      for (Doubt& doubt : proposed.doubts) {
        for (std::string& line : doubt.instead) line = TaskLine(line, task);
        made_.doubts.push_back(std::move(doubt));
      }
    }
  }

  static void NameColumns(const std::vector<std::string>& columns, v1::Task& task) {
    if (!task.has_forecast()) {
      if (columns[0] != task.name()) task.set_column(columns[0]);
      return;
    }
    bool by_default = true;
    for (size_t i = 0; i < columns.size(); ++i)
      by_default = by_default && columns[i] == absl::StrCat(task.name(), "_", i + 1);
    if (!by_default) task.mutable_columns()->Add(columns.begin(), columns.end());
  }

  // `kind` as the whole line of `task`.
  static std::string TaskLine(const std::string& kind, const v1::Task& task) {
    v1::Task named;
    named.set_name(task.name());
    if (!task.column().empty()) named.set_column(task.column());
    return absl::StrCat("tasks { ", CompactText(named), " ", kind, " }");
  }

  void AddScenes() {
    const int column = guess_.Find(Role::kScene);
    std::vector<std::string> names;
    if (column >= 0) {
      for (const auto& [value, count] : guess_.profiles[column].values) names.push_back(value);
      made_.scene_reason = absl::StrCat("From column '", column_name(column), "': ", guess_.columns[column].reason);
    } else {
      names.push_back("main");
      made_.scene_reason = "No column tells business contexts apart, so there is one scene";
    }
    const bool has_candidates = std::any_of(made_.file.features().begin(), made_.file.features().end(),
                                            [](const v1::Feature& feature) { return feature.side() == v1::CANDIDATE; });
    std::set<std::string> used;
    for (const std::string& name : names) {
      v1::Scene& scene = *made_.file.add_scenes();
      scene.set_name(name);
      for (int t = 0; t < made_.file.tasks_size(); ++t) {
        if (column >= 0 && !HasLabels(column, name, made_.task_columns[t][0])) continue;
        scene.add_tasks(made_.file.tasks(t).name());
        used.insert(made_.file.tasks(t).name());
      }
      if (has_candidates) RankBy(scene);
    }
    // A scene without any label, or a task that no scene has, would be a mistake.
    for (v1::Scene& scene : *made_.file.mutable_scenes()) {
      for (const v1::Task& task : made_.file.tasks()) {
        if (scene.tasks_size() == 0 || used.count(task.name()) == 0) AddOnce(task.name(), scene);
      }
    }
    if (has_candidates && made_.file.scenes(0).has_rank_by()) {
      made_.doubts.push_back(
          {absl::StrCat("What should candidates be ranked by? Taken: the score of '",
                        made_.file.scenes(0).rank_by().factors(0).task(),
                        "'. A product of several, each to a power, is possible too; it may change at any time."),
           Doubt::Place::kScenes});
    }
    if (column < 0) {
      made_.doubts.push_back(
          {"Do the rows come from several business contexts (recommendation, search, ...)? No column says so. If one "
           "does, run this again with --scene_column COLUMN; or stream each context's file into a scene of its own."});
    }
  }

  static void AddOnce(const std::string& task, v1::Scene& scene) {
    if (std::find(scene.tasks().begin(), scene.tasks().end(), task) == scene.tasks().end()) scene.add_tasks(task);
  }

  bool HasLabels(int scene_column, const std::string& scene, int label) const {
    int64_t rows = 0;
    for (int64_t row = 0; row < sample_.rows(); ++row) {
      if (sample_.Field(row, scene_column) != scene) continue;
      if (!sample_.Field(row, label).empty()) return true;
      ++rows;
    }
    return rows < kRowsToMissATask;
  }

  void RankBy(v1::Scene& scene) const {
    for (const bool binary : {true, false}) {
      for (const v1::Task& task : made_.file.tasks()) {
        const bool fits = binary ? task.has_binary() : task.has_regression();
        if (!fits || std::find(scene.tasks().begin(), scene.tasks().end(), task.name()) == scene.tasks().end())
          continue;
        scene.mutable_rank_by()->add_factors()->set_task(task.name());
        return;
      }
    }
  }

  void AddFiles() {
    v1::Files& files = *made_.file.mutable_files();
    const auto set = [&](Role role, auto setter) {
      const int c = guess_.Find(role);
      if (c >= 0) setter(column_name(c));
    };
    set(Role::kScene, [&](const std::string& column) {
      if (column != "scene") files.set_scene_column(column);
    });
    set(Role::kEventTime, [&](const std::string& column) { files.set_event_time_column(column); });
    set(Role::kLabelTime, [&](const std::string& column) { files.set_label_time_column(column); });
    set(Role::kRequestId, [&](const std::string& column) { files.set_request_id_column(column); });
    set(Role::kWeight, [&](const std::string& column) { files.set_weight_column(column); });
    if (guess_.Find(Role::kScene) >= 0) return;
    // A column of the default name that holds no scenes must not be read as if it did.
    const std::set<std::string> header(sample_.header().begin(), sample_.header().end());
    if (header.count("scene") == 0) return;
    std::string unused = "no_scene_column";
    while (header.count(unused) > 0) unused += "_";
    files.set_scene_column(unused);
  }

  void ChooseNetwork() {
    const double rows = sample_.file_rows();
    const bool wide = made_.file.features_size() > kWideFeatures;
    const std::vector<int> hidden = rows < 5'000            ? std::vector<int>{32, 16}
                                    : rows < 50'000 || wide ? std::vector<int>{64, 32}
                                                            : std::vector<int>{128, 64};
    v1::Network& network = *made_.file.mutable_network();
    const bool many = made_.file.tasks_size() > 1 || made_.file.scenes_size() > 1;
    if (many) {
      network.mutable_mmoe()->set_experts(4);
      network.mutable_mmoe()->mutable_hidden()->Add(hidden.begin(), hidden.end());
    } else {
      network.mutable_shared_bottom()->mutable_hidden()->Add(hidden.begin(), hidden.end());
    }
    network.add_tower(hidden.back() / 2);
    if (made_.file.scenes_size() > 1) network.set_scene_adaptation(v1::SCENE_EMBEDDING);
    made_.network_reason =
        absl::StrCat(many ? "Four experts, mixed by a gate per task" : "One task in one scene: a plain network",
                     "; widths for ", sample_.whole_file() ? "" : "about ", WithThousands(static_cast<long long>(rows)),
                     " rows", made_.file.scenes_size() > 1 ? "; it knows the scene." : ".");
  }

  // A step must be small enough for the file to have some hundred of them.
  void ChooseLearning() {
    const double rows = sample_.file_rows();
    const int step = rows < 2'000 ? 8 : rows < 20'000 ? 16 : rows < 150'000 ? 64 : 256;
    made_.file.mutable_learning()->set_step_rows(step);
    made_.file.mutable_learning()->set_publish_interval_seconds(1);
    made_.file.mutable_dense_optimizer()->mutable_adam()->set_learning_rate(rows < 20'000 ? 0.003 : 0.001);
    made_.file.mutable_row_optimizer()->mutable_adagrad()->set_learning_rate(0.1);
    made_.learning_reason = "Smaller steps adapt faster, larger ones learn more rows a second. May change at any time.";
  }

  void AddGeneralDoubts() {
    if (!sample_.whole_file()) {
      made_.doubts.push_back({absl::StrCat(
          "What comes after the first ", WithThousands(sample_.rows()),
          " rows? A scene, a class or a kind of value that first appears there would be refused. "
          "--rows N looks further; `polyscene model check MODEL --data FILE` tells what would be refused.")});
    }
    DoubtLeaks();
  }

  // A column that is corrected after the event gives the outcome away, and looks like any good feature.
  void DoubtLeaks() {
    std::vector<int> strongest = made_.feature_columns;
    const auto tells = [&](int c) { return guess_.columns[c].tells_alone; };
    std::stable_sort(strongest.begin(), strongest.end(), [&](int a, int b) { return tells(a) > tells(b); });
    if (strongest.size() > kShownLeaks) strongest.resize(kShownLeaks);
    const std::string list = absl::StrJoin(strongest, ", ", [&](std::string* out, int c) {
      absl::StrAppend(out, column_name(c), tells(c) > 0 ? absl::StrCat(" (", guess_.columns[c].tells_what, ")") : "");
    });
    made_.doubts.push_back(
        {absl::StrCat(
             "Is every feature known when the prediction is made? A column that is filled in or corrected later gives "
             "the outcome away, and neither name nor numbers show it. Delete the line of each that is not. Look first "
             "at those that tell most alone: ",
             list),
         Doubt::Place::kFeatures, strongest});
  }

  const TableSample& sample_;
  const TableGuess& guess_;
  Proposal made_;
  UniqueNames feature_names_;
};

}  // namespace

Proposal Propose(const TableSample& sample, const TableGuess& guess, const std::string& name) {
  return Proposer(sample, guess).Make(name);
}

}  // namespace polyscene
