// Features that are a label in disguise.
#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "client/modelfile/roles.h"
#include "model/data/field_parser.h"
#include "model/evaluation/evaluation.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int64_t kMostFields = 20'000'000;  // Looked at in all: about a second or two.
constexpr int64_t kMostRows = 20'000;        // A leak shows in fewer.
constexpr int64_t kLeastRows = 200;          // Below it chance can look like a leak.
constexpr double kSuspiciousAuc = 0.995;
constexpr double kSuspiciousR2 = 0.999;

// Rows with a label, spread over the sample.
struct LabelledRows {
  std::vector<int64_t> rows;
  std::vector<float> labels;
};

LabelledRows Labelled(const TableSample& sample, int label, int64_t most) {
  LabelledRows found;
  const int64_t step = std::max<int64_t>(1, sample.rows() / most);
  for (int64_t row = 0; row < sample.rows(); row += step) {
    float value = 0;
    if (!ParseFloat(sample.Field(row, label), &value)) continue;
    found.rows.push_back(row);
    found.labels.push_back(value);
  }
  return found;
}

// What each row's value says of the label: the mean label of the same value among every other row, for the rows between
// them. A value that was not there says the overall mean.
std::vector<float> MeanByValue(const TableSample& sample, int feature, const LabelledRows& labelled) {
  struct Sum {
    double labels = 0;
    int64_t rows = 0;
  };
  absl::flat_hash_map<absl::string_view, Sum> sums;
  Sum all;
  for (size_t i = 0; i < labelled.rows.size(); i += 2) {
    Sum& sum = sums[sample.Field(labelled.rows[i], feature)];
    for (Sum* s : {&sum, &all}) {
      s->labels += labelled.labels[i];
      ++s->rows;
    }
  }
  const double mean = all.labels / static_cast<double>(std::max<int64_t>(1, all.rows));
  std::vector<float> scores;
  for (size_t i = 1; i < labelled.rows.size(); i += 2) {
    const auto sum = sums.find(sample.Field(labelled.rows[i], feature));
    scores.push_back(
        static_cast<float>(sum == sums.end() ? mean : sum->second.labels / static_cast<double>(sum->second.rows)));
  }
  return scores;
}

// The numbers themselves, of the same rows as MeanByValue(); an empty field is the column's mean.
std::vector<float> Numbers(const TableSample& sample, const ColumnProfile& feature, const LabelledRows& labelled) {
  std::vector<float> scores;
  for (size_t i = 1; i < labelled.rows.size(); i += 2) {
    float value = 0;
    if (!ParseFloat(sample.Field(labelled.rows[i], feature.column), &value)) value = static_cast<float>(feature.mean);
    scores.push_back(value);
  }
  return scores;
}

double SquaredCorrelation(absl::Span<const float> a, absl::Span<const float> b) {
  const double count = static_cast<double>(a.size());
  double mean_a = 0, mean_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / count;
    mean_b += b[i] / count;
  }
  double aa = 0, ab = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab * ab / (aa * bb) : 0;
}

struct Strength {
  double share = 0;  // 0: tells nothing; 1: everything. R2, or 2 x AUC - 1.
  double auc = 0;    // Of a binary label.

  std::string Text(const std::string& label) const {
    return auc > 0 ? absl::StrCat("'", label, "' with AUC ", Readable(auc, 3))
                   : absl::StrCat("'", label, "' with R2 ", Readable(share, 3));
  }
  bool suspicious() const { return auc > 0 ? auc >= kSuspiciousAuc : share >= kSuspiciousR2; }
};

// How well the label can be told from the feature alone: by what other rows of the same value had, or by its size.
Strength StrengthOf(const TableSample& sample, const ColumnProfile& feature, const ColumnProfile& label,
                    const LabelledRows& labelled) {
  std::vector<float> labels;
  for (size_t i = 1; i < labelled.labels.size(); i += 2) labels.push_back(labelled.labels[i]);
  std::vector<std::vector<float>> views = {MeanByValue(sample, feature.column, labelled)};
  if (feature.all_numbers()) views.push_back(Numbers(sample, feature, labelled));
  Strength best;
  for (const std::vector<float>& scores : views) {
    Strength one;
    if (label.zero_or_one()) {
      const double auc = ExactAuc(scores, labels);
      one.auc = std::isfinite(auc) ? std::max(auc, 1 - auc) : 0.5;
      one.share = 2 * one.auc - 1;
    } else {
      one.share = SquaredCorrelation(scores, labels);
    }
    if (one.share >= best.share) best = one;
  }
  return best;
}

}  // namespace

void LeaveOutLeaks(const TableSample& sample, TableGuess& guess) {
  const std::vector<int> labels = guess.All(Role::kLabel);
  const std::vector<int> features = guess.All(Role::kFeature);
  const int64_t pairs = std::max<int64_t>(1, static_cast<int64_t>(labels.size() * features.size()));
  const int64_t rows = std::min(kMostRows, kMostFields / pairs);
  if (rows < kLeastRows) return;  // Thousands of columns: other eyes must find it.
  for (const int label : labels) {
    const ColumnProfile& its = guess.profiles[label];
    if (its.distinct < 2) continue;
    const LabelledRows labelled = Labelled(sample, label, rows);
    if (static_cast<int64_t>(labelled.rows.size()) < kLeastRows) continue;
    for (const int f : features) {
      ColumnGuess& feature = guess.columns[f];
      const Strength strength = StrengthOf(sample, guess.profiles[f], its, labelled);
      if (strength.share > feature.tells_alone) {
        feature.tells_alone = strength.share;
        feature.tells_what = strength.Text(its.name);
      }
      if (!strength.suspicious() || feature.role != Role::kFeature || feature.wished) continue;
      const std::string& name = guess.profiles[f].name;
      feature.role = Role::kLeftOut;
      feature.reason =
          absl::StrCat("alone it tells ", strength.Text(its.name), ", as only what is known afterwards can");
      guess.doubts.push_back(
          {absl::StrCat("Is '", name, "' really known before '", its.name, "'? It was left out, for alone it tells ",
                        strength.Text(its.name), ". If it is known, run this again with --context ", name, ".")});
    }
  }
}

}  // namespace polyscene
