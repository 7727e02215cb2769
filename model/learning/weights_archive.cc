// A learner's weights as NumPy arrays, for notebooks and other frameworks:
//
//   dense/<parameter>          float32, as the network lays it out: a layer computes x @ weight + bias
//   table/<table>/ids          int64 [n], ascending by first sighting (where rows are let go, in no such order): an
//   INT64 feature's value itself, a string's keyed
//                              hash, a listed value's number (0: any other), a bucket's number; -2^63: missing
//   table/<table>/rows         float32 [n, dimension], in the order of the ids
//   statistics/<feature>       float64 [5]: count, mean, deviation, min, max of a scaled numeric feature (after log1p,
//                              where it has one); "statistics/<feature>.1" and so on where it has several such
//                              encodings
//   label_statistics/<task>    the same of the labels of a task that is standardized
//   calibration/<scene>/<task> float64 [2]: a and b of a calibrated task
//   model                      uint8: the model file's text, defaults filled in
#include <google/protobuf/text_format.h>
#include <torch/torch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/data/npz_writer.h"
#include "model/learning/torch_learner.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

constexpr size_t kRowsAtOnce = 65536;  // Of a table, in memory beside it while it is written.

void WriteTable(const RowStore& store, const std::string& name, const std::vector<int64_t>& ids,
                const std::vector<uint32_t>& rows, NpzWriter& writer) {
  const int64_t count = static_cast<int64_t>(rows.size());
  writer.Array(absl::StrCat("table/", name, "/ids"), NpyType::kInt64, {count}, ids.data());
  writer.Begin(absl::StrCat("table/", name, "/rows"), NpyType::kFloat32, {count, store.dimension()});
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
    const size_t n = std::min(kRowsAtOnce, rows.size() - begin);
    const torch::Tensor values = store.Gather(absl::MakeConstSpan(rows).subspan(begin, n)).to(torch::kCPU);
    writer.Write(values.data_ptr(), values.nbytes());
  }
  writer.End();
}

void WriteTables(const ModelSpec& spec, const EmbeddingTables& tables, NpzWriter& writer) {
  for (int g = 0; g < tables.group_count(); ++g) {
    const RowStore& store = tables.store(g);
    for (const int table : tables.group(g).tables) {
      std::vector<int64_t> ids;
      std::vector<uint32_t> rows;
      for (uint32_t row = 0; row < store.row_count(); ++row) {
        const RowOwner owner = store.owner(row);
        if (owner.table != static_cast<uint32_t>(table)) continue;
        ids.push_back(static_cast<int64_t>(owner.id));
        rows.push_back(row);
      }
      WriteTable(store, spec.tables()[table].name, ids, rows, writer);
    }
  }
}

void WriteStatistics(const std::string& name, const RunningStatistics& seen, NpzWriter& writer) {
  const double values[] = {static_cast<double>(seen.count), seen.mean, seen.deviation(), seen.min, seen.max};
  writer.Array(name, NpyType::kFloat64, {5}, values);
}

void WriteStatistics(const ModelSpec& spec, const FeatureStatistics& statistics, NpzWriter& writer) {
  for (const FeatureSpec& feature : spec.features()) {
    int number = 0;
    for (const EncodingSpec& encoding : feature.encodings) {
      if (encoding.statistics < 0) continue;
      const std::string suffix = number == 0 ? "" : absl::StrCat(".", number);
      WriteStatistics(absl::StrCat("statistics/", feature.name, suffix), statistics.entries[encoding.statistics],
                      writer);
      ++number;
    }
  }
  for (const TaskSpec& task : spec.tasks()) {
    if (task.statistics >= 0)
      WriteStatistics("label_statistics/" + task.name, statistics.entries[task.statistics], writer);
  }
}

void WriteCalibrations(const ModelSpec& spec, const Calibrations& calibrations, NpzWriter& writer) {
  for (const auto& [scene, task] : CalibratedPairs(spec)) {
    const PlattScaling& platt = calibrations.At(scene, task);
    const double values[] = {platt.a(), platt.b()};
    writer.Array(absl::StrCat("calibration/", spec.scenes()[scene].name, "/", spec.tasks()[task].name),
                 NpyType::kFloat64, {2}, values);
  }
}

}  // namespace

absl::Status TorchLearner::ExportWeights(const std::filesystem::path& file) const {
  return CatchTorch("export", [&]() -> absl::Status {
    const torch::NoGradGuard no_grad;
    NpzWriter writer(file);
    const torch::Tensor flat = parameters_.flat.to(torch::kCPU);
    for (const ParameterSpec& parameter : network_->layout().specs()) {
      writer.Array(absl::StrCat("dense/", parameter.name), NpyType::kFloat32, parameter.sizes,
                   flat.data_ptr<float>() + parameter.offset);
    }
    WriteTables(*spec_, tables_, writer);
    WriteStatistics(*spec_, statistics_, writer);
    WriteCalibrations(*spec_, calibrations_, writer);
    std::string model;
    google::protobuf::TextFormat::PrintToString(spec_->file(), &model);
    writer.Array("model", NpyType::kUint8, {static_cast<int64_t>(model.size())}, model.data());
    return writer.Close();
  });
}

}  // namespace polyscene
