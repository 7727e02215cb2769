#include "model/spec/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr size_t kListed = 12;        // Names in a message; more are counted.
constexpr size_t kLongestGuess = 64;  // Longer names are not compared: the table below would be all the work.

// Optimal string alignment distance: Levenshtein's, and neighbours swapped cost one.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<int>> cost(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

bool IsName(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
  });
}

std::string NearestName(absl::string_view name, absl::Span<const std::string> known) {
  if (name.empty() || name.size() > kLongestGuess) return "";
  const std::string lower = absl::AsciiStrToLower(name);
  int best = std::max<int>(1, static_cast<int>(name.size()) / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongestGuess) continue;
    const int distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    // As many changes as the name has letters would make any short name the nearest.
    if (distance < best && distance < static_cast<int>(candidate.size())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string ListNames(absl::Span<const std::string> names) {
  if (names.empty()) return "none";
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kListed); ++i)
    absl::StrAppend(&list, i ? ", " : "", "'", names[i], "'");
  if (names.size() > kListed) absl::StrAppend(&list, " and ", names.size() - kListed, " more");
  return list;
}

std::string ExpectedName(absl::string_view name, absl::Span<const std::string> known) {
  const std::string nearest = NearestName(name, known);
  if (!nearest.empty()) return absl::StrCat("; did you mean '", nearest, "'?");
  if (known.empty()) return "; there is none";
  return absl::StrCat("; expected one of ", ListNames(known));
}

}  // namespace polyscene
