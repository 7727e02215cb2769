// Bytes of an ExactEvaluation: whether it is exact (varint), the sums' bytes (length, bytes), then for each cell of the
// layout the number of its scores (varint) and of each its 4 bytes, negatives and positives (varints); a checksum over
// all of that (8 bytes).
#include "model/evaluation/exact_evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "model/evaluation/bytes.h"

namespace polyscene {
namespace {

constexpr size_t kChecksumBytes = 8;

}  // namespace

ExactEvaluation::ExactEvaluation(EvaluationLayout layout, int64_t max_scores)
    : layout_(std::move(layout)),
      max_scores_(max_scores),
      sums_(layout_),
      cells_(layout_.scenes.size() * layout_.tasks.size()) {}

void ExactEvaluation::Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label) {
  sums_.Add(scene, task, prediction, label);
  empty_ = false;
  if (!exact_ || layout_.tasks[task].kind != EvaluatedKind::kBinary) return;
  // NaN has no place in an order: it counts as the lowest score, as it does in the bins.
  const float score = std::isnan(prediction[0]) ? -std::numeric_limits<float>::infinity() : prediction[0];
  const bool positive = label[0] > 0.5f;
  cells_[scene * layout_.tasks.size() + task].added.push_back({score, positive ? 0u : 1u, positive ? 1u : 0u});
  if (++scores_ > max_scores_) SortAll();
}

void ExactEvaluation::Sort(Scores& scores) {
  if (scores.added.empty()) return;
  const auto below = [](const Tally& a, const Tally& b) { return a.score < b.score; };
  std::sort(scores.added.begin(), scores.added.end(), below);
  std::vector<Tally> merged;
  merged.reserve(scores.sorted.size() + scores.added.size());
  std::merge(scores.sorted.begin(), scores.sorted.end(), scores.added.begin(), scores.added.end(),
             std::back_inserter(merged), below);
  scores.sorted.clear();
  for (const Tally& tally : merged) {
    if (scores.sorted.empty() || scores.sorted.back().score != tally.score) {
      scores.sorted.push_back(tally);
      continue;
    }
    scores.sorted.back().negatives += tally.negatives;
    scores.sorted.back().positives += tally.positives;
  }
  scores.added.clear();
}

void ExactEvaluation::SortAll() const {
  int64_t distinct = 0;
  for (Scores& scores : cells_) {
    Sort(scores);
    distinct += static_cast<int64_t>(scores.sorted.size());
  }
  scores_ = distinct;
  if (scores_ <= max_scores_) return;
  exact_ = false;
  for (Scores& scores : cells_) scores = Scores();
}

double ExactEvaluation::Auc(absl::Span<const Tally> sorted) {
  double negatives = 0;
  double positives = 0;
  double pairs = 0;  // (negative, positive) pairs in the right order, a tie counting half.
  for (const Tally& tally : sorted) {
    pairs += tally.positives * (negatives + 0.5 * tally.negatives);
    negatives += tally.negatives;
    positives += tally.positives;
  }
  return negatives == 0 || positives == 0 ? std::numeric_limits<double>::quiet_NaN() : pairs / (negatives * positives);
}

std::vector<EvaluationFigure> ExactEvaluation::Figures() const {
  std::vector<EvaluationFigure> figures = sums_.Figures();
  if (exact_) SortAll();
  if (!exact_) return figures;
  const size_t tasks = layout_.tasks.size();
  for (EvaluationFigure& figure : figures) {
    if (figure.metric != "auc") continue;
    const auto named = [&figure](const EvaluatedTask& task) { return task.name == figure.task; };
    const size_t task = std::find_if(layout_.tasks.begin(), layout_.tasks.end(), named) - layout_.tasks.begin();
    Scores all;
    for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) {
      if (figure.scene != "*" && figure.scene != layout_.scenes[scene]) continue;
      const std::vector<Tally>& sorted = cells_[scene * tasks + task].sorted;
      all.added.insert(all.added.end(), sorted.begin(), sorted.end());
    }
    Sort(all);
    figure.value = Auc(all.sorted);
  }
  return figures;
}

std::string ExactEvaluation::Serialize() const {
  if (exact_) SortAll();
  std::string bytes;
  AppendVarint(exact_ ? 1 : 0, bytes);
  AppendString(sums_.Serialize(), bytes);
  for (const Scores& scores : cells_) {
    AppendVarint(scores.sorted.size(), bytes);
    for (const Tally& tally : scores.sorted) {
      char score[sizeof(float)];
      std::memcpy(score, &tally.score, sizeof(score));
      bytes.append(score, sizeof(score));
      AppendVarint(tally.negatives, bytes);
      AppendVarint(tally.positives, bytes);
    }
  }
  AppendFixed64(Checksum(bytes), bytes);
  return bytes;
}

absl::StatusOr<ExactEvaluation> ExactEvaluation::Parse(EvaluationLayout layout, absl::string_view bytes,
                                                       int64_t max_scores) {
  const absl::Status malformed = absl::DataLossError("exact evaluation: cut or changed");
  if (bytes.size() < kChecksumBytes) return malformed;
  const absl::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ByteReader(bytes.substr(body.size())).Fixed64() != Checksum(body)) return malformed;
  ByteReader reader(body);
  ExactEvaluation parsed(std::move(layout), max_scores);
  parsed.exact_ = reader.Varint() == 1;
  absl::StatusOr<Evaluation> sums = Evaluation::Parse(parsed.layout_, reader.String());
  if (!sums.ok()) return sums.status();
  parsed.sums_ = *std::move(sums);
  parsed.empty_ = parsed.sums_.Figures().empty();
  for (Scores& scores : parsed.cells_) {
    const uint64_t count = reader.Varint();
    if (count > body.size()) return malformed;
    scores.sorted.resize(count);
    for (Tally& tally : scores.sorted) {
      const absl::string_view score = reader.Bytes(sizeof(float));
      if (!reader.ok()) return malformed;
      std::memcpy(&tally.score, score.data(), sizeof(float));
      tally.negatives = static_cast<uint32_t>(reader.Varint());
      tally.positives = static_cast<uint32_t>(reader.Varint());
    }
    parsed.scores_ += static_cast<int64_t>(count);
  }
  if (!reader.done()) return malformed;
  return parsed;
}

}  // namespace polyscene
