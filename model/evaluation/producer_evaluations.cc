#include "model/evaluation/producer_evaluations.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace polyscene {
namespace {

// Each run of a producer may open one, and each has sums of its own for every scene and task.
constexpr size_t kMaxOpened = 64;

constexpr char kLearnedPrefix[] = "evaluation/";
constexpr char kServedPrefix[] = "served/";
constexpr size_t kNumberDigits = 16;  // Hexadecimal.

absl::Status InSection(absl::string_view name, const absl::Status& status) {
  return absl::DataLossError(absl::StrCat("section '", name, "': ", status.message()));
}

}  // namespace

void ProducerEvaluations::Open(absl::string_view producer, int64_t from_micros) {
  uint64_t number = 0;
  for (const auto& [name, opened] : opened_) number = std::max(number, opened.number + 1);
  if (Opened* opened = Find(producer); opened != nullptr && opened->from_micros == from_micros) {
    opened->number = number;  // Whoever comes back is not the one to go.
    return;
  }
  opened_.insert_or_assign(std::string(producer),
                           Opened{from_micros, number, Evaluation(layout_), ExactEvaluation(layout_)});
  if (opened_.size() <= kMaxOpened) return;
  opened_.erase(std::min_element(opened_.begin(), opened_.end(),
                                 [](const auto& a, const auto& b) { return a.second.number < b.second.number; }));
}

ProducerEvaluations::Opened* ProducerEvaluations::Find(absl::string_view producer) {
  const auto found = opened_.find(std::string(producer));
  return found == opened_.end() ? nullptr : &found->second;
}

ProducerEvaluations::FiguresByProducer ProducerEvaluations::LearnedFigures() const {
  FiguresByProducer figures;
  for (const auto& [producer, opened] : opened_) figures.emplace_back(producer, opened.learned.Figures());
  return figures;
}

ProducerEvaluations::FiguresByProducer ProducerEvaluations::ServedFigures() const {
  FiguresByProducer figures;
  for (const auto& [producer, opened] : opened_) {
    std::vector<EvaluationFigure> served = opened.served.Figures();
    if (!served.empty()) figures.emplace_back(producer, std::move(served));
  }
  return figures;
}

std::vector<ProducerEvaluations::Section> ProducerEvaluations::Freeze() const {
  std::vector<Section> sections;
  for (const auto& [producer, opened] : opened_) {
    const std::string start = absl::StrCat(absl::Hex(static_cast<uint64_t>(opened.from_micros), absl::kZeroPad16),
                                           absl::Hex(opened.number, absl::kZeroPad16));
    sections.push_back({kLearnedPrefix + producer,
                        [start, learned = opened.learned] { return absl::StrCat(start, learned.Serialize()); }});
    if (opened.served.empty()) continue;
    sections.push_back({kServedPrefix + producer, [served = opened.served] { return served.Serialize(); }});
  }
  return sections;
}

bool ProducerEvaluations::IsSection(absl::string_view name) {
  return absl::StartsWith(name, kLearnedPrefix) || absl::StartsWith(name, kServedPrefix);
}

absl::Status ProducerEvaluations::Restore(absl::string_view name, absl::string_view bytes, bool with_sums) {
  absl::string_view producer = name;
  if (absl::ConsumePrefix(&producer, kLearnedPrefix)) {
    uint64_t from = 0;
    uint64_t number = 0;
    if (bytes.size() < 2 * kNumberDigits || !absl::SimpleHexAtoi(bytes.substr(0, kNumberDigits), &from) ||
        !absl::SimpleHexAtoi(bytes.substr(kNumberDigits, kNumberDigits), &number)) {
      return InSection(name, absl::DataLossError("lacks its start"));
    }
    absl::StatusOr<Evaluation> learned = Evaluation(layout_);
    if (with_sums) learned = Evaluation::Parse(layout_, bytes.substr(2 * kNumberDigits));
    if (!learned.ok()) return InSection(name, learned.status());
    opened_.insert_or_assign(std::string(producer),
                             Opened{static_cast<int64_t>(from), number, *std::move(learned), ExactEvaluation(layout_)});
  } else if (with_sums && absl::ConsumePrefix(&producer, kServedPrefix)) {
    Opened* opened = Find(producer);
    if (opened == nullptr) return InSection(name, absl::DataLossError("is of no opened evaluation"));
    absl::StatusOr<ExactEvaluation> served = ExactEvaluation::Parse(layout_, bytes);
    if (!served.ok()) return InSection(name, served.status());
    opened->served = *std::move(served);
  }
  return absl::OkStatus();
}

}  // namespace polyscene
