#include "tests/bench/support/reference_model.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/learner_rows.h"

namespace polyscene {
namespace {

constexpr int64_t kPassRows = 4'096;
constexpr int kStepsMore = 100;
constexpr int64_t kStepRows = 256;

bool IsNumber(const v1::Feature& feature) { return feature.type() == v1::FLOAT; }

int64_t InputsOf(const ModelSpec& spec, v1::Side side) {
  int64_t inputs = 0;
  for (const v1::Feature& feature : spec.file().features()) {
    if (feature.side() != side) continue;
    for (const v1::Encoding& encoding : feature.encode()) {
      inputs += encoding.has_numeric() ? (feature.required() ? 1 : 2) : encoding.hash().embedding().dimension();
    }
  }
  return inputs;
}

// Of the first layer, whose inputs of the context count `context_rows` times.
double Operations(const ModelSpec& spec, int64_t candidates, int64_t context_rows) {
  const v1::Network& network = spec.file().network();
  const v1::Mmoe& mmoe = network.mmoe();
  const auto tasks = static_cast<int64_t>(spec.scenes()[0].tasks.size());
  const int64_t first = mmoe.experts() * mmoe.hidden(0) + tasks * mmoe.experts();  // Experts and gates.
  int64_t products = first * (context_rows * InputsOf(spec, v1::CONTEXT) + candidates * InputsOf(spec, v1::CANDIDATE));
  int64_t width = mmoe.hidden(0);
  for (int layer = 1; layer < mmoe.hidden_size(); ++layer) {
    products += candidates * mmoe.experts() * width * mmoe.hidden(layer);
    width = mmoe.hidden(layer);
  }
  products += candidates * tasks * mmoe.experts() * width;  // Gates mix.
  for (const int hidden : network.tower()) {
    products += candidates * tasks * width * hidden;
    width = hidden;
  }
  return 2.0 * static_cast<double>(products + candidates * tasks * width);
}

}  // namespace

std::shared_ptr<const ModelSpec> ReferenceSpec(ContextShare share, const std::function<void(v1::ModelFile&)>& edit) {
  v1::ModelFile file = Check(ModelSpec::Load(POLYSCENE_BENCH_MODELS "/reference.textproto"))->file();
  int ids = 0;
  int numbers = 0;
  for (v1::Feature& feature : *file.mutable_features()) {
    const bool context = IsNumber(feature) ? numbers++ < share.numbers : ids++ < share.ids;
    feature.set_side(context ? v1::CONTEXT : v1::CANDIDATE);
  }
  if (edit != nullptr) edit(file);
  return Check(ModelSpec::Create(std::move(file)));
}

void ServeBf16(v1::ModelFile& file) { file.mutable_serving()->set_arithmetic(v1::Serving::BFLOAT16); }

Table ReferenceRows::Draw(v1::Side side, int64_t rows) {
  std::normal_distribution<float> normal;
  Table table;
  table.rows = rows;
  for (const v1::Feature& feature : spec_->file().features()) {
    if (side != v1::SIDE_UNSPECIFIED && feature.side() != side) continue;
    Column& column = table.Add(feature.name(), IsNumber(feature) ? ValueType::kFloat : ValueType::kInt64);
    for (int64_t row = 0; row < rows; ++row) {
      if (IsNumber(feature)) {
        column.floats.push_back(normal(random_));
      } else {
        column.ints.push_back(static_cast<int64_t>(random_() % kReferenceIds));
      }
    }
  }
  return table;
}

Table ReferenceRows::ExamplesOf(int64_t first_id, int64_t rows) {
  Table table = Examples(rows);
  for (Column& column : table.columns) {
    for (int64_t row = 0; row < static_cast<int64_t>(column.ints.size()); ++row) column.ints[row] = first_id + row;
  }
  return table;
}

void LearnReference(Learner& learner, const ModelSpec& spec, int scene, const Table& rows) {
  const SceneSpec& of_scene = spec.scenes()[scene];
  const Column* number = nullptr;
  const Column* id = nullptr;
  for (const Column& column : rows.columns) {
    if (number == nullptr && column.type == ValueType::kFloat) number = &column;
    if (id == nullptr && column.type == ValueType::kInt64) id = &column;
  }
  std::vector<std::vector<float>> labels(of_scene.tasks.size());
  ExamplesView view;
  view.scene = of_scene.name;
  view.features = rows.View();
  for (size_t t = 0; t < labels.size(); ++t) {
    for (int64_t row = 0; row < rows.rows; ++row) {
      const double liked = id->ints[row] % static_cast<int64_t>(t + 3) == 0 ? 1 : -0.5;
      labels[t].push_back(number->floats[row] + liked > 0 ? 1.0f : 0.0f);
    }
    view.labels.push_back({spec.tasks()[of_scene.tasks[t]].name, labels[t], {}});
  }
  const ExampleSlice slice{&view, 0, rows.rows, ""};
  Check(learner.Step(absl::MakeConstSpan(&slice, 1)).status());
}

std::unique_ptr<Learner> LearnedReference(const std::shared_ptr<const ModelSpec>& spec, LearnerOptions options) {
  std::unique_ptr<Learner> learner = Check(CreateLearner(spec, std::move(options)));
  ReferenceRows rows(spec, 7);
  const int scenes = static_cast<int>(spec->scenes().size());
  int step = 0;
  for (int64_t id = 0; id < kReferenceIds; id += kPassRows) {
    LearnReference(*learner, *spec, step++ % scenes, rows.ExamplesOf(id, std::min(kPassRows, kReferenceIds - id)));
  }
  for (int i = 0; i < kStepsMore; ++i) LearnReference(*learner, *spec, i % scenes, rows.Examples(kStepRows));
  return learner;
}

OwnedRequest::OwnedRequest(const ModelSpec& spec, int scene, Table context, Table candidates)
    : context_(std::move(context)),
      candidates_(std::move(candidates)),
      context_view_(context_.View()),
      candidates_view_(candidates_.View()) {
  request_.scene = scene;
  request_.context = &context_view_;
  request_.candidates = &candidates_view_;
  request_.tasks = spec.scenes()[scene].tasks;
}

std::vector<std::unique_ptr<OwnedRequest>> ReferenceRequests(const std::shared_ptr<const ModelSpec>& spec, int count,
                                                             int64_t candidates) {
  ReferenceRows rows(spec, static_cast<uint64_t>(candidates));
  std::vector<std::unique_ptr<OwnedRequest>> requests;
  for (int i = 0; i < count; ++i) {
    Table context = rows.Context();
    requests.push_back(std::make_unique<OwnedRequest>(*spec, 0, std::move(context), rows.Candidates(candidates)));
  }
  return requests;
}

double SplitOperations(const ModelSpec& spec, int64_t candidates) { return Operations(spec, candidates, 1); }
double FullOperations(const ModelSpec& spec, int64_t candidates) { return Operations(spec, candidates, candidates); }

}  // namespace polyscene
