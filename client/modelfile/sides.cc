// Which features describe the request, and which one of the things it offers.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/modelfile/name_words.h"
#include "client/modelfile/roles.h"
#include "model/data/field_parser.h"

namespace polyscene {
namespace {

constexpr int64_t kEnoughPairs = 20;  // Of rows of one request, for their likeness to say something.

// How a column's value moves from one row of a request to its next.
struct Movement {
  int64_t same = 0;
  int64_t up = 0;
  int64_t other = 0;

  int64_t pairs() const { return same + up + other; }
  bool stays() const { return same * 50 >= pairs() * 49; }
  bool counts_up() const { return !stays() && (same + up) * 50 >= pairs() * 49; }
};

std::vector<Movement> Movements(const TableSample& sample, int request, const std::vector<int>& features) {
  std::vector<Movement> movements(features.size());
  absl::flat_hash_map<absl::string_view, int64_t> last_row;
  for (int64_t row = 0; row < sample.rows(); ++row) {
    const absl::string_view id = sample.Field(row, request);
    if (id.empty()) continue;
    const auto [entry, is_new] = last_row.emplace(id, row);
    if (is_new) continue;
    for (size_t f = 0; f < features.size(); ++f) {
      const absl::string_view before = sample.Field(entry->second, features[f]);
      const absl::string_view now = sample.Field(row, features[f]);
      float a = 0, b = 0;
      if (before == now) {
        ++movements[f].same;
      } else if (ParseFloat(before, &a) && ParseFloat(now, &b) && b > a) {
        ++movements[f].up;
      } else {
        ++movements[f].other;
      }
    }
    entry->second = row;
  }
  return movements;
}

bool Names(const std::vector<std::string>& wished, const std::string& name) {
  return std::find(wished.begin(), wished.end(), name) != wished.end();
}

}  // namespace

void GuessSides(const TableSample& sample, const Wishes& wishes, TableGuess& guess) {
  const std::vector<int> features = guess.All(Role::kFeature);
  const int request = guess.Find(Role::kRequestId);
  std::vector<Movement> movements;
  if (request >= 0) movements = Movements(sample, request, features);
  const bool moves_tell = !movements.empty() && movements[0].pairs() >= kEnoughPairs;
  const std::string request_name = request >= 0 ? sample.header()[request] : "";

  // Something is chosen among only where there is a thing to choose: an item's id, or rows of one request that differ.
  const bool has_items = !wishes.candidates.empty() || std::any_of(features.begin(), features.end(), [&](int c) {
    return IsItemName(sample.header()[c]) && guess.profiles[c].distinct > 2;
  });
  std::vector<std::string> by_guess;
  for (size_t f = 0; f < features.size(); ++f) {
    const std::string& name = sample.header()[features[f]];
    ColumnGuess& column = guess.columns[features[f]];
    const auto set = [&](bool candidate, std::string reason) {
      column.candidate = candidate;
      column.side_reason = std::move(reason);
    };
    column.personal = IsPersonName(name);
    if (Names(wishes.candidates, name)) {
      set(true, "--candidate says so");
    } else if (Names(wishes.contexts, name)) {
      set(false, "--context says so");
    } else if (column.personal) {
      set(false, "it is a person");
    } else if (IsHistoryName(name)) {
      set(false, "by its name it is what was before");
    } else if (moves_tell && movements[f].stays()) {
      set(false, absl::StrCat("the rows of one '", request_name, "' share it"));
    } else if (moves_tell && movements[f].counts_up()) {
      set(false, absl::StrCat("it only grows within one '", request_name, "'"));
    } else if (moves_tell) {
      set(true, absl::StrCat("it differs between the rows of one '", request_name, "'"));
      by_guess.push_back(name);
    } else if (has_items && IsItemWord(name)) {
      set(true, "its name is an item's");
      by_guess.push_back(name);
    } else {
      set(false, "nothing says that it is an item's");
    }
  }
  if (by_guess.empty()) return;
  if (by_guess.size() > 12) {
    const size_t more = by_guess.size() - 12;
    by_guess.resize(12);
    by_guess.push_back(absl::StrCat(more, " more"));
  }
  guess.doubts.push_back({absl::StrCat(
      "Which columns describe the thing that is offered (CANDIDATE), which the one who asks and the moment "
      "(CONTEXT)? Taken for the offered thing's: ",
      absl::StrJoin(by_guess, ", "),
      ". Where that is wrong, write the other side in the feature's line, or run this again "
      "with --context or --candidate COLUMN.")});
}

}  // namespace polyscene
