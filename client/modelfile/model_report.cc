#include "client/modelfile/model_report.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/modelfile/compact_text.h"
#include "model/report/text_table.h"
#include "model/spec/model_size.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

// As model/spec/fingerprint.h decides it; a test changes each of them.
constexpr absl::string_view kMayChange =
    "name, columns, files, learning, serving, rank_by, weights, losses but poisson's and a quantile's, "
    "missing_outside, "
    "defined_when, evaluate_only, half lives, learning rates; `required` of a feature without a numeric encoding";
constexpr absl::string_view kMayNotChange =
    "seed, features, encodings, scenes, tasks, kinds, transforms, network, kind of optimizer, initial_range: another "
    "model, which a server takes over by name as far as it fits, and says so";

absl::string_view KindName(EncodingSpec::Kind kind) {
  switch (kind) {
    case EncodingSpec::Kind::kHash:
      return "hash";
    case EncodingSpec::Kind::kVocabulary:
      return "vocabulary";
    case EncodingSpec::Kind::kOneHot:
      return "one_hot";
    case EncodingSpec::Kind::kBucketize:
      return "bucketize";
    case EncodingSpec::Kind::kNumeric:
      return "numeric";
    case EncodingSpec::Kind::kCrossed:
      return "crossed";
    case EncodingSpec::Kind::kVector:
      return "vector";
  }
  return "";
}

std::string KindName(const TaskSpec& task) {
  if (!task.factors.empty()) return "product";
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return "binary";
    case TaskSpec::Kind::kMultiClass:
      return "multi_class";
    case TaskSpec::Kind::kRegression:
      return "regression";
    case TaskSpec::Kind::kForecast:
      return "forecast";
  }
  return "";
}

int Inputs(const ModelSpec& spec, const EncodingSpec& encoding) {
  return encoding.slot >= 0 ? spec.slots()[encoding.slot].dimension : encoding.dense_width;
}

std::string EncodingText(const ModelSpec& spec, const EncodingSpec& encoding) {
  std::string text(KindName(encoding.kind));
  if (encoding.kind == EncodingSpec::Kind::kNumeric) {
    if (encoding.log1p) absl::StrAppend(&text, " of the log");
    absl::StrAppend(&text, ", ", v1::Numeric::Scaling_Name(encoding.scaling));
  } else if (encoding.kind == EncodingSpec::Kind::kBucketize) {
    absl::StrAppend(&text, ", ", encoding.boundaries.size() + 1, " buckets");
  } else if (encoding.kind == EncodingSpec::Kind::kCrossed) {
    absl::StrAppend(&text, " with ", absl::StrJoin(encoding.with, ", ", [&](std::string* out, int other) {
      absl::StrAppend(out, spec.features()[other].name);
    }));
  } else if (encoding.kind != EncodingSpec::Kind::kHash && encoding.kind != EncodingSpec::Kind::kVector) {
    absl::StrAppend(&text, ", ", encoding.values.size() + encoding.int_values.size(), " values");
  }
  absl::StrAppend(&text, " -> ", Inputs(spec, encoding));
  if (encoding.slot >= 0) {
    const std::string& table = spec.tables()[spec.slots()[encoding.slot].table].name;
    if (table != spec.features()[encoding.feature].name) absl::StrAppend(&text, " (table ", table, ")");
  }
  return text;
}

// How the values of a sequence become one.
std::string PoolingText(const ModelSpec& spec, const FeatureSpec& feature) {
  for (const EncodingSpec& encoding : feature.encodings) {
    if (encoding.slot < 0 || spec.slots()[encoding.slot].attends_to < 0) continue;
    const int to = spec.slots()[spec.slots()[encoding.slot].attends_to].feature;
    return absl::StrCat("attention to ", spec.features()[to].name, " over");
  }
  return feature.mean_pooling ? "mean of" : "sum of";
}

std::string Traits(const ModelSpec& spec, const FeatureSpec& feature) {
  std::vector<std::string> traits;
  if (feature.required) traits.push_back("required");
  if (feature.personal) traits.push_back("personal");
  if (feature.vector_length > 0) {
    traits.push_back(absl::StrCat("vectors of ", feature.vector_length));
  } else if (feature.sequence) {
    traits.push_back(absl::StrCat("sequence, ", PoolingText(spec, feature), " the last ", feature.max_length));
  }
  if (feature.training_only) {
    traits.push_back(absl::StrCat("in training only", feature.exposed_position ? ", the exposed position" : "",
                                  ", left out of ", Readable(100 * feature.dropout), " % of rows"));
  }
  if (feature.column != feature.name) traits.push_back(absl::StrCat("column '", feature.column, "'"));
  return absl::StrJoin(traits, "; ");
}

std::string LossText(const TaskSpec& task) {
  if (task.quantile > 0) return absl::StrCat("quantile ", Readable(task.quantile));
  return task.huber ? absl::StrCat("huber ", Readable(task.huber_delta)) : "mse";
}

std::string TaskText(const ModelSpec& spec, const TaskSpec& task) {
  std::string text = KindName(task);
  if (!task.factors.empty()) {
    absl::StrAppend(&text, " of ", absl::StrJoin(task.factors, " x ", [&](std::string* out, int factor) {
      absl::StrAppend(out, spec.tasks()[factor].name);
    }));
  }
  if (task.outputs > 1) absl::StrAppend(&text, " of ", task.outputs);
  if (task.focal_gamma > 0) absl::StrAppend(&text, ", focal ", Readable(task.focal_gamma));
  if (task.poisson) {
    absl::StrAppend(&text, ", poisson");
  } else if (task.standardize) {
    absl::StrAppend(&text, ", ", LossText(task), " on ", task.log1p ? "log(1 + label)" : "label", ", standardized");
  } else if (task.kind == TaskSpec::Kind::kRegression || task.kind == TaskSpec::Kind::kForecast) {
    absl::StrAppend(&text, ", ", LossText(task), " on (", task.log1p ? "log(1 + label)" : "label", " - ",
                    Readable(task.center), ") / ", Readable(task.scale));
  }
  if (task.has_range) {
    absl::StrAppend(&text, ", missing outside ", Readable(task.range_min), " to ", Readable(task.range_max));
  }
  if (task.defined_when >= 0) {
    absl::StrAppend(&text, ", where ", spec.tasks()[task.defined_when].name, " is ",
                    task.defined_when_negative ? 0 : 1);
  }
  if (task.platt_half_life > 0) {
    absl::StrAppend(&text, ", calibrated over ", Readable(task.platt_half_life), " rows");
  }
  if (task.evaluate_only) absl::StrAppend(&text, ", evaluated only");
  return text;
}

std::string RankText(const ModelSpec& spec, const SceneSpec& scene) {
  if (scene.rank_by.empty()) return scene.has_candidates ? "nothing" : "- (no candidates)";
  return absl::StrJoin(scene.rank_by, " x ", [&](std::string* out, const RankFactor& factor) {
    absl::StrAppend(out, spec.tasks()[factor.task].name,
                    factor.power == 1 ? "" : absl::StrCat("^", Readable(factor.power)));
  });
}

std::string Counted(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string FeatureTable(const ModelSpec& spec) {
  TextTable table({"feature", "side", "type", "enters as -> inputs", "notes"});
  for (const FeatureSpec& feature : spec.features()) {
    const std::string encodings = absl::StrJoin(
        feature.encodings, " + ",
        [&](std::string* out, const EncodingSpec& encoding) { absl::StrAppend(out, EncodingText(spec, encoding)); });
    table.AddRow({feature.name, feature.candidate ? "candidate" : "context", std::string(ValueTypeName(feature.type)),
                  encodings, Traits(spec, feature)});
  }
  return table.Render();
}

std::string SceneTable(const ModelSpec& spec) {
  std::vector<std::string> header = {"scene"};
  for (const TaskSpec& task : spec.tasks()) header.push_back(task.name);
  header.push_back("features");
  header.push_back("ranked by");
  TextTable table(header);
  for (const SceneSpec& scene : spec.scenes()) {
    std::vector<std::string> row = {scene.name};
    for (const bool has : scene.has_task) row.push_back(has ? "yes" : "-");
    row.push_back(absl::StrCat(std::count(scene.has_feature.begin(), scene.has_feature.end(), true)));
    row.push_back(RankText(spec, scene));
    table.AddRow(row);
  }
  return table.Render();
}

std::string TaskTable(const ModelSpec& spec) {
  TextTable table({"task", "weight", "what is learned", "label in"});
  for (const TaskSpec& task : spec.tasks()) {
    table.AddRow({task.name, Readable(task.weight), TaskText(spec, task), absl::StrJoin(task.columns, ", ")});
  }
  return table.Render();
}

std::string SizeText(const ModelSpec& spec) {
  const ModelSize size = SizeOf(spec);
  std::string text =
      absl::StrCat("Network: ", CompactText(spec.file().network()), "\n  inputs a row: ", size.inputs(), " (",
                   size.embedding_inputs, " embedding, ", size.dense_inputs, " dense, ", size.scene_inputs, " scene",
                   size.interaction_inputs > 0 ? absl::StrCat(", ", size.interaction_inputs, " products") : "",
                   ")\n  dense parameters: ", WithThousands(size.parameters), " (");
  absl::StrAppend(&text, absl::StrJoin(size.groups, ", ", [](std::string* out, const LayerGroupSize& group) {
    absl::StrAppend(out, group.name, " ", WithThousands(group.parameters));
  }));
  absl::StrAppend(&text, ")\nMemory: dense weights, gradient and optimizer ",
                  ReadableBytes(static_cast<double>(size.training_bytes)), "; dense weights of each served version ",
                  ReadableBytes(static_cast<double>(size.snapshot_bytes)), "\n");
  std::map<int, std::vector<const TableSize*>> by_dimension;
  for (const TableSize& table : size.tables) by_dimension[table.dimension].push_back(&table);
  for (const auto& [dimension, tables] : by_dimension) {
    std::vector<std::string> names;
    for (const TableSize* table : tables) names.push_back(table->name);
    absl::StrAppend(&text, "  an embedding row of ", dimension, ": ", tables[0]->least_row_bytes, " to ",
                    tables[0]->most_row_bytes, " bytes with optimizer, page and index, ",
                    ReadableBytes(1e6 * static_cast<double>(tables[0]->most_row_bytes)), " at most for a million ids; ",
                    tables.size() == 1 ? "table " : absl::StrCat(tables.size(), " tables: "), ListNames(names), "\n");
  }
  absl::StrAppend(&text, "  Served versions share each row that did not change between them.\n");
  return text;
}

std::string FilesText(const ModelSpec& spec) {
  const v1::Files& files = spec.file().files();
  std::vector<std::string> parts = {
      absl::StrCat("scene in '", files.scene_column(), "'",
                   spec.scenes().size() == 1 ? " (may be absent: there is one scene)" : "")};
  const auto add = [&](absl::string_view what, const std::string& column) {
    parts.push_back(column.empty() ? absl::StrCat("no ", what) : absl::StrCat(what, " in '", column, "'"));
  };
  add("event time", files.event_time_column());
  add("label time", files.label_time_column());
  add("request id", files.request_id_column());
  add("weight", files.weight_column());
  return absl::StrCat("Data files: ", absl::StrJoin(parts, ", "), "\n");
}

std::string LearningText(const ModelSpec& spec) {
  const v1::LearningPolicy& learning = spec.file().learning();
  std::string text = absl::StrCat(
      "Learning: steps of ", learning.step_rows(), " rows (or after ", Readable(learning.step_wait_seconds()),
      " s), a publish every ", Readable(learning.publish_interval_seconds()), " s, a checkpoint every ",
      Readable(learning.checkpoint_interval_seconds()), " s; ", CompactText(spec.file().dense_optimizer()), "; ",
      CompactText(spec.file().row_optimizer()), "\n  gives way while Predict's p99 is above ",
      Readable(spec.file().serving().latency_target_seconds()), " s\n");
  if (spec.file().has_rows()) absl::StrAppend(&text, "  rows: ", CompactText(spec.file().rows()), "\n");
  for (const v1::Table& table : spec.file().tables()) {
    const auto add = [&](const auto& differs) {
      absl::StrAppend(&text, "  rows of table '", table.name(), "': ", CompactText(differs), "\n");
    };
    if (table.has_optimizer()) add(table.optimizer());
    if (table.has_rows()) add(table.rows());
  }
  return text;
}

}  // namespace

std::string ModelText(const ModelSpec& spec) {
  return absl::StrCat("Model '", spec.file().name(), "': ", Counted(spec.features().size(), "feature"), ", ",
                      Counted(spec.scenes().size(), "scene"), ", ", Counted(spec.tasks().size(), "task"),
                      ", fingerprint ", spec.fingerprint_hex(), "\n\n", FeatureTable(spec), "\n", SceneTable(spec),
                      "\n", TaskTable(spec), "\n", FilesText(spec), SizeText(spec), LearningText(spec),
                      "On an existing data directory\n  may change: ", kMayChange, "\n  may not: ", kMayNotChange,
                      "\n");
}

Json ModelJson(const ModelSpec& spec) {
  Json json;
  json["name"] = spec.file().name();
  json["fingerprint"] = spec.fingerprint_hex();
  json["features"] = Json::array();
  for (const FeatureSpec& feature : spec.features()) {
    Json encodings = Json::array();
    for (const EncodingSpec& encoding : feature.encodings) {
      Json entry = {{"kind", KindName(encoding.kind)}, {"inputs", Inputs(spec, encoding)}};
      entry["table"] = encoding.slot < 0 ? Json(nullptr) : Json(spec.tables()[spec.slots()[encoding.slot].table].name);
      encodings.push_back(std::move(entry));
    }
    json["features"].push_back({{"name", feature.name},
                                {"column", feature.column},
                                {"side", feature.candidate ? "candidate" : "context"},
                                {"type", ValueTypeName(feature.type)},
                                {"required", feature.required},
                                {"personal", feature.personal},
                                {"sequence", feature.sequence},
                                {"encodings", std::move(encodings)}});
  }
  json["tasks"] = Json::array();
  for (const TaskSpec& task : spec.tasks()) {
    json["tasks"].push_back({{"name", task.name},
                             {"kind", KindName(task)},
                             {"outputs", task.outputs},
                             {"weight", JsonNumber(task.weight)},
                             {"columns", task.columns}});
  }
  json["scenes"] = Json::array();
  for (const SceneSpec& scene : spec.scenes()) {
    Json tasks = Json::array();
    for (const int t : scene.tasks) tasks.push_back(spec.tasks()[t].name);
    Json rank_by = Json::array();
    for (const RankFactor& factor : scene.rank_by) {
      rank_by.push_back({{"task", spec.tasks()[factor.task].name}, {"power", JsonNumber(factor.power)}});
    }
    json["scenes"].push_back({{"name", scene.name}, {"tasks", std::move(tasks)}, {"rank_by", std::move(rank_by)}});
  }
  const v1::Files& files = spec.file().files();
  const auto column = [](const std::string& name) { return name.empty() ? Json(nullptr) : Json(name); };
  json["files"] = {{"scene_column", column(files.scene_column())},
                   {"event_time_column", column(files.event_time_column())},
                   {"label_time_column", column(files.label_time_column())},
                   {"request_id_column", column(files.request_id_column())},
                   {"weight_column", column(files.weight_column())}};
  const ModelSize size = SizeOf(spec);
  json["inputs"] = {{"embedding", size.embedding_inputs},
                    {"dense", size.dense_inputs},
                    {"scene", size.scene_inputs},
                    {"products", size.interaction_inputs}};
  json["dense_parameters"] = size.parameters;
  json["layer_groups"] = Json::array();
  for (const LayerGroupSize& group : size.groups) {
    json["layer_groups"].push_back({{"name", group.name}, {"parameters", group.parameters}});
  }
  json["training_bytes"] = size.training_bytes;
  json["snapshot_bytes"] = size.snapshot_bytes;
  json["tables"] = Json::array();
  for (const TableSize& table : size.tables) {
    json["tables"].push_back({{"name", table.name},
                              {"dimension", table.dimension},
                              {"least_row_bytes", table.least_row_bytes},
                              {"most_row_bytes", table.most_row_bytes}});
  }
  json["may_change"] = kMayChange;
  json["may_not_change"] = kMayNotChange;
  return json;
}

}  // namespace polyscene
