#include "model/compiled/compiled_forward.h"

#include <algorithm>
#include <utility>

#include "model/feature/label_scale.h"
#include "model/loss/served_values.h"
#include "model/serving/ranking.h"

namespace polyscene {
namespace {

// With fewer candidates a request shares its chunk with others: a context's own product costs what some rows do.
constexpr int64_t kOwnChunkRows = 16;

// The logit of a product of probabilities: ProductLogit() in model/network/product_network.h.
float ProductOf(float a, float b) {
  const float most = std::max({-a, -b, -(a + b)});
  return -(most + std::log(std::exp(-a - most) + std::exp(-b - most) + std::exp(-(a + b) - most)));
}

}  // namespace

// What one thread at a time computes with.
class CompiledForward::Worker {
 public:
  Worker(const CompiledNetwork& network, const FeatureEncoder& encoder)
      : network_(network),
        spec_(network.spec()),
        encoder_(encoder),
        workspace_(network),
        context_rows_(network.spec()),
        own_rows_(network.spec()),
        wanted_(network.spec().towers().size()) {}

  void Score(const ServedWeights& weights, absl::Span<const ScoreRequest> requests, absl::Span<ScoreResult> results) {
    weights_ = weights;
    small_.clear();
    for (size_t i = 0; i < requests.size(); ++i) {
      const ScoreRequest& request = requests[i];
      Prepare(request, results[i]);
      if (results[i].rows == 0) continue;
      if (results[i].rows < kOwnChunkRows) {
        small_.push_back(i);
      } else {
        ScoreAlone(request, results[i]);
      }
    }
    ScoreTogether(requests, results);
    for (size_t i = 0; i < requests.size(); ++i) {
      FillRanking(spec_.scenes()[requests[i].scene], results[i]);
    }
  }

 private:
  void Prepare(const ScoreRequest& request, ScoreResult& result) const {
    const bool candidates = spec_.scenes()[request.scene].has_candidates;
    result.rows = !candidates ? request.context->rows : request.candidates != nullptr ? request.candidates->rows : 0;
    result.tasks.resize(request.tasks.size());
    for (size_t t = 0; t < request.tasks.size(); ++t) {
      ScoredTask& scored = result.tasks[t];
      scored.task = request.tasks[t];
      scored.outputs = spec_.tasks()[scored.task].outputs;
      scored.values.resize(result.rows * scored.outputs);
    }
  }

  void Want(absl::Span<const int> tasks) {
    for (const int t : tasks) {
      const TaskSpec& task = spec_.tasks()[t];
      if (task.tower >= 0) wanted_[task.tower] = true;
      for (const int factor : task.factors) wanted_[spec_.tasks()[factor].tower] = true;
    }
  }

  void Encode(const ScoreRequest& request) {
    context_batch_.Clear();
    batch_.Clear();
    if (spec_.scenes()[request.scene].has_candidates) {
      encoder_.AppendRequestParts(*weights_.statistics, request.scene, *request.context, *request.candidates,
                                  context_batch_, batch_);
    } else {
      encoder_.AppendRows(*weights_.statistics, request.scene, *request.context, 0, request.context->rows, batch_);
    }
    context_rows_.Begin(context_batch_);
    own_rows_.Begin(batch_);
  }

  // The scene's own inputs, which lie behind all others of the context's.
  void WriteSceneInputs(int scene, const RowsView& rows, int row, int column) const {
    const int vector = network_.scene_inputs(scene);
    if (vector < 0) return;
    const std::vector<float>& values = weights_.dense->vectors[vector];
    StoreColumns(values.data(), static_cast<int>(values.size()), rows, row, column - static_cast<int>(values.size()));
  }

  // Rows with all of their inputs, from row `to` on.
  void WriteWhole(int scene, int count, const RowsView& rows, int to) {
    const InputLayout& layout = *network_.scene(scene).inputs;
    own_rows_.Write(*weights_.tables, layout, /*context=*/false, InputColumns::kAll, count, rows, to);
    if (spec_.scenes()[scene].has_candidates) {
      context_rows_.Begin(context_batch_);
      context_rows_.Write(*weights_.tables, layout, /*context=*/true, InputColumns::kAll, 1, rows, to);
      const RowsView first{rows.bfloat16 ? static_cast<void*>(rows.halves(to)) : rows.floats(to), rows.width,
                           rows.bfloat16};
      for (const InputPiece& piece : layout.pieces) {
        if (piece.context) RepeatColumns(first, piece.column, piece.width, rows, to + 1, to + count, piece.column);
      }
    }
    for (int r = to; r < to + count; ++r) WriteSceneInputs(scene, rows, r, layout.width);
    ClearColumns(rows, layout.width, to, to + count);
  }

  // Chunks of one request.
  void ScoreAlone(const ScoreRequest& request, ScoreResult& result) {
    const CompiledNetwork::Scene& scene = network_.scene(request.scene);
    const Program& program = scene.split.has_value() ? *scene.split : scene.whole;
    Encode(request);
    wanted_.assign(wanted_.size(), false);
    Want(request.tasks);
    if (program.split) {
      const RowsView context = workspace_.Buffer(program, program.context);
      context_rows_.Write(*weights_.tables, *scene.inputs, /*context=*/true, InputColumns::kOfSide, 1, context, 0);
      const auto width = static_cast<int>(scene.inputs->context_columns.size());
      WriteSceneInputs(request.scene, context, 0, width);
      ClearColumns(context, width, 0, 1);
      workspace_.RunContext(program, *weights_.dense, wanted_);
    }
    const int64_t chunks = (result.rows + PackedProduct::kMostRows - 1) / PackedProduct::kMostRows;
    for (int64_t done = 0, chunk = 0; chunk < chunks; ++chunk) {
      // Of about one size, each but the last a multiple of four, so that bfloat16 computes no row for nothing.
      const int64_t left = result.rows - done;
      const int64_t share = (left + chunks - chunk - 1) / (chunks - chunk);
      const int rows = static_cast<int>(std::min<int64_t>(left, (share + 3) / 4 * 4));
      const RowsView to = workspace_.Buffer(program, program.rows);
      if (program.split) {
        own_rows_.Write(*weights_.tables, *scene.inputs, /*context=*/false, InputColumns::kOfSide, rows, to, 0);
        ClearColumns(to, static_cast<int>(scene.inputs->candidate_columns.size()), 0, rows);
      } else {
        WriteWhole(request.scene, rows, to, 0);
      }
      workspace_.RunRows(program, *weights_.dense, wanted_, rows);
      Serve(program, request, 0, rows, done, result);
      done += rows;
    }
  }

  // Small requests, those of a scene in chunks together.
  void ScoreTogether(absl::Span<const ScoreRequest> requests, absl::Span<ScoreResult> results) {
    std::sort(small_.begin(), small_.end(),
              [&](size_t a, size_t b) { return std::pair(requests[a].scene, a) < std::pair(requests[b].scene, b); });
    for (size_t begin = 0, end = 0; begin < small_.size(); begin = end) {
      const int scene = requests[small_[begin]].scene;
      const Program& program = network_.scene(scene).whole;
      const RowsView rows = workspace_.Buffer(program, program.rows);
      wanted_.assign(wanted_.size(), false);
      int filled = 0;
      for (end = begin; end < small_.size() && requests[small_[end]].scene == scene; ++end) {
        const ScoreRequest& request = requests[small_[end]];
        const int count = static_cast<int>(results[small_[end]].rows);
        if (filled + count > PackedProduct::kMostRows) break;
        Encode(request);
        WriteWhole(scene, count, rows, filled);
        Want(request.tasks);
        filled += count;
      }
      workspace_.RunRows(program, *weights_.dense, wanted_, filled);
      int first = 0;
      for (size_t i = begin; i < end; ++i) {
        ScoreResult& result = results[small_[i]];
        Serve(program, requests[small_[i]], first, static_cast<int>(result.rows), 0, result);
        first += static_cast<int>(result.rows);
      }
    }
  }

  // From the logits in the workspace's rows [first, first + rows) to the result's from row `to` on.
  void Serve(const Program& program, const ScoreRequest& request, int first, int rows, int64_t to,
             ScoreResult& result) {
    for (ScoredTask& scored : result.tasks) {
      const TaskSpec& task = spec_.tasks()[scored.task];
      float* values = &scored.values[to * scored.outputs];
      CopyLogits(program, task, first, rows, values);
      if (task.platt_half_life > 0) {
        CalibrateLogits(weights_.calibrations->At(request.scene, scored.task), int64_t{rows} * scored.outputs, values);
      }
      ToServedValues(task, ScaleOf(task, *weights_.statistics), rows, values);
    }
  }

  // Of a tower, or of the product of several.
  void CopyLogits(const Program& program, const TaskSpec& task, int first, int rows, float* values) {
    bool begun = false;
    const auto take = [&](int tower) {
      const int buffer = program.logits[tower];
      for (int i = 0; i < rows * task.outputs; ++i) {
        // A factor that the scene has no tower for counts as a logit of 0.
        const float logit = buffer < 0 ? 0.0f : workspace_.Buffer(program, buffer).floats(first)[i];
        values[i] = begun ? ProductOf(values[i], logit) : logit;
      }
      begun = true;
    };
    if (task.tower >= 0) take(task.tower);
    for (const int factor : task.factors) take(spec_.tasks()[factor].tower);
  }

  const CompiledNetwork& network_;
  const ModelSpec& spec_;
  const FeatureEncoder& encoder_;
  ServedWeights weights_;
  Workspace workspace_;
  EncodedBatch context_batch_;  // Of one request, as is the next.
  EncodedBatch batch_;
  InputRows context_rows_;
  InputRows own_rows_;
  std::vector<bool> wanted_;  // [towers] of what is computed now.
  std::vector<size_t> small_;
};

CompiledForward::CompiledForward(std::shared_ptr<const CompiledNetwork> network, HashKey key)
    : network_(std::move(network)), encoder_(std::shared_ptr<const ModelSpec>(network_, &network_->spec()), key) {}

CompiledForward::~CompiledForward() = default;

std::unique_ptr<CompiledForward::Worker> CompiledForward::Take() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    if (!idle_.empty()) {
      std::unique_ptr<Worker> worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
    idle_.reserve(++workers_);  // So that none that comes back waits for memory.
  }
  return std::make_unique<Worker>(*network_, encoder_);
}

void CompiledForward::GiveBack(std::unique_ptr<Worker> worker) {
  const std::lock_guard<std::mutex> lock(mu_);
  idle_.push_back(std::move(worker));
}

void CompiledForward::Score(const ServedWeights& weights, absl::Span<const ScoreRequest> requests,
                            absl::Span<ScoreResult> results) {
  std::unique_ptr<Worker> worker = Take();
  worker->Score(weights, requests, results);
  GiveBack(std::move(worker));
}

}  // namespace polyscene
