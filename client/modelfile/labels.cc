// Which columns are to be predicted.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/modelfile/name_words.h"
#include "client/modelfile/roles.h"

namespace polyscene {
namespace {

constexpr size_t kMostLabels = 400;  // Of columns; a forecast of a year and some beside it.

bool Usable(const ColumnProfile& column) { return column.all_numbers(); }

// How text that means a label could be written as numbers.
std::string AsNumbers(const ColumnProfile& column) {
  if (column.numbers_but_markers()) {
    return absl::StrCat("leave its fields empty where they say '", column.marker, "'");
  }
  if (column.values.empty()) return "write it as numbers";
  std::vector<std::string> codes;
  for (const auto& [value, count] : column.values) {
    if (codes.size() < 6) codes.push_back(absl::StrCat("'", value.substr(0, 30), "' as ", codes.size()));
  }
  if (column.values.size() > codes.size()) codes.push_back("and so on");
  return absl::StrCat("write ", absl::StrJoin(codes, ", "),
                      column.values.size() == 2 ? " (1 is what is to be predicted)" : "");
}

class LabelGuesser {
 public:
  explicit LabelGuesser(TableGuess& guess) : guess_(guess) {}

  void Guess() {
    std::vector<int> named;
    for (int c = 0; c < static_cast<int>(guess_.columns.size()); ++c) {
      const LabelSign sign = Open(c) ? LabelSignOf(guess_.profiles[c].name) : LabelSign::kNone;
      if (sign < LabelSign::kOutcome) continue;
      if (Usable(guess_.profiles[c])) {
        named.push_back(c);
      } else {
        LeaveOutText(c);
      }
    }
    for (const int c : named) {
      if (guess_.All(Role::kLabel).size() < kMostLabels) {
        Take(c, LabelSignOf(guess_.profiles[c].name) == LabelSign::kMarked ? "its name marks it as a label"
                                                                           : "its name is an outcome's");
      } else {
        guess_.columns[c].role = Role::kLeftOut;
        guess_.columns[c].reason = absl::StrCat("a label by its name, beyond the first ", kMostLabels);
      }
    }
    guess_.sure_labels = !named.empty();
    if (named.empty()) TakeLikeliest();
  }

 private:
  bool Open(int c) const { return guess_.columns[c].role == Role::kFeature && !guess_.columns[c].wished; }

  void Take(int c, std::string reason) {
    guess_.columns[c].role = Role::kLabel;
    guess_.columns[c].reason = std::move(reason);
  }

  void LeaveOutText(int c) {
    const ColumnProfile& column = guess_.profiles[c];
    guess_.columns[c].role = Role::kLeftOut;
    guess_.columns[c].reason = "a label by its name, but not all its values are numbers";
    guess_.doubts.push_back(
        {absl::StrCat("Column '", column.name, "' looks like a label, but labels are numbers. To learn it, ",
                      AsNumbers(column), " in the file and run this again.")});
  }

  // No name says what is to be predicted: an amount that people predict, else the last column that could be a label, as
  // tables for learning are mostly written.
  void TakeLikeliest() {
    const int columns = static_cast<int>(guess_.columns.size());
    int best = -1;
    std::string why;
    for (int c = columns - 1; c >= 0; --c) {
      if (!Open(c) || !Usable(guess_.profiles[c]) || guess_.profiles[c].distinct < 2) continue;
      if (LabelSignOf(guess_.profiles[c].name) != LabelSign::kAmount) continue;
      best = c;
      why = "nothing is named as labels are; people predict such a thing";
      if (c == columns - 1) break;  // The last column at once, else the first of them.
    }
    for (int c = columns - 1; c >= 0 && best < 0; --c) {
      if (!Open(c) || !Usable(guess_.profiles[c]) || guess_.profiles[c].distinct < 2) continue;
      if (IsPersonName(guess_.profiles[c].name) || IsItemName(guess_.profiles[c].name)) continue;
      best = c;
      why = "nothing is named as labels are; it is the last column with numbers";
    }
    if (best < 0) return;
    Take(best, why);
    guess_.doubts.push_back(
        {absl::StrCat("What is to be predicted? No column is named as labels are (y_..., label, click, ...); '",
                      guess_.profiles[best].name, "' was taken. For another, run this again with --label COLUMN.")});
  }

  TableGuess& guess_;
};

}  // namespace

void GuessLabels(TableGuess& guess) { LabelGuesser(guess).Guess(); }

}  // namespace polyscene
