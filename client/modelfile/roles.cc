#include "client/modelfile/roles.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/modelfile/name_words.h"
#include "model/data/event_times.h"
#include "model/report/text_table.h"
#include "model/spec/names.h"
#include "model/spec/utf8.h"

namespace polyscene {
namespace {

constexpr int64_t kEnoughRows = 50;  // Below it a value that is seen once says nothing.
constexpr int64_t kMostScenes = 32;
constexpr double kTextBytes = 40;  // On average, from which a column of ever new values is prose.

class RoleGuesser {
 public:
  RoleGuesser(const TableSample& sample, const Wishes& wishes) : sample_(sample), wishes_(wishes) {
    for (int c = 0; c < sample.columns(); ++c) guess_.profiles.push_back(ProfileColumn(sample, c));
    guess_.columns.resize(sample.columns());
    decided_.resize(sample.columns());
  }

  absl::StatusOr<TableGuess> Guess() {
    if (absl::Status status = GrantWishes(); !status.ok()) return status;
    WarnOfNumbersAsNames();
    LeaveOutUnreadable();
    GuessTimes();
    GuessScene();
    GuessRequest();
    if (wishes_.labels.empty()) {
      ShareUndecided([&] { GuessLabels(guess_); });
    } else {
      guess_.sure_labels = true;
      LeaveOutOtherOutcomes();
    }
    if (guess_.All(Role::kLabel).empty()) return NoLabel();
    LeaveOutConstants();
    LeaveOutWhatNeverReturns();
    LeaveOutWhatComesLater();
    ShareUndecided([&] { LeaveOutLeaks(sample_, guess_); });
    GuessSides(sample_, wishes_, guess_);
    if (guess_.All(Role::kFeature).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(sample_.path(), ": no column is left to be a feature; ", DescribeAll()));
    }
    return std::move(guess_);
  }

 private:
  ColumnProfile& profile(int c) { return guess_.profiles[c]; }
  void Decide(int c, Role role, std::string reason) {
    guess_.columns[c].role = role;
    guess_.columns[c].reason = std::move(reason);
    decided_[c] = true;
  }
  // Nobody has said what it is.
  bool open(int c) const { return !decided_[c] && !guess_.columns[c].wished; }

  // What `part` made something else of is decided.
  template <typename Part>
  void ShareUndecided(Part part) {
    part();
    for (int c = 0; c < sample_.columns(); ++c) {
      if (guess_.columns[c].role != Role::kFeature) decided_[c] = true;
    }
  }

  absl::Status GrantWishes() {
    const auto grant = [&](const std::string& name, absl::string_view flag, Role role) -> absl::Status {
      if (name.empty()) return absl::OkStatus();
      const auto found = std::find(sample_.header().begin(), sample_.header().end(), name);
      if (found == sample_.header().end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", flag, ": there is no column '", name, "'", ExpectedName(name, sample_.header())));
      }
      const int c = static_cast<int>(found - sample_.header().begin());
      if (decided_[c] && guess_.columns[c].role != role) {
        return absl::InvalidArgumentError(absl::StrCat("--", flag, ": column '", name, "' is already the ",
                                                       RoleName(guess_.columns[c].role),
                                                       ", expected one role a column"));
      }
      if (role == Role::kFeature) {
        guess_.columns[c].wished = true;
      } else if (guess_.columns[c].wished) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", flag, ": column '", name, "' is a feature by another flag, expected one role a column"));
      } else {
        Decide(c, role, absl::StrCat("--", flag, " says so"));
      }
      return absl::OkStatus();
    };
    absl::Status status;
    for (const std::string& name : wishes_.ignored) status.Update(grant(name, "ignore", Role::kLeftOut));
    for (const std::string& name : wishes_.labels) status.Update(grant(name, "label", Role::kLabel));
    status.Update(grant(wishes_.scene_column, "scene_column", Role::kScene));
    status.Update(grant(wishes_.time_column, "time_column", Role::kEventTime));
    status.Update(grant(wishes_.request_column, "request_column", Role::kRequestId));
    for (const std::string& name : wishes_.candidates) status.Update(grant(name, "candidate", Role::kFeature));
    for (const std::string& name : wishes_.contexts) status.Update(grant(name, "context", Role::kFeature));
    return status.ok() ? CheckWishes() : status;
  }

  // That the rows could be read as wished.
  absl::Status CheckWishes() {
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!decided_[c]) continue;
      const ColumnProfile& column = profile(c);
      const Role role = guess_.columns[c].role;
      if (role == Role::kLabel && !column.all_numbers()) {
        return absl::InvalidArgumentError(absl::StrCat("--label: column '", column.name, "' holds ", Example(column),
                                                       "; expected numbers: 0 or 1, a class from 0, or an amount"));
      }
      if (role == Role::kEventTime && column.times != column.filled()) {
        return absl::InvalidArgumentError(absl::StrCat("--time_column: column '", column.name, "' holds ",
                                                       Example(column), "; expected ", kTimeFormats,
                                                       ", from 1980 to 2100"));
      }
      if (role == Role::kScene) {
        const std::string why = WhyNotScenes(column);
        if (!why.empty())
          return absl::InvalidArgumentError(absl::StrCat("--scene_column: column '", column.name, "' ", why));
      }
    }
    return absl::OkStatus();
  }

  // Values that no number reader takes, or else the first.
  std::string Example(const ColumnProfile& column) const {
    for (int64_t row = 0; row < sample_.rows(); ++row) {
      const absl::string_view text = sample_.Field(row, column.column);
      int64_t ignored = 0;
      if (!text.empty() && !ParseTimeMicros(text, &ignored)) return absl::StrCat("'", text.substr(0, 40), "'");
    }
    return "no values";
  }

  void WarnOfNumbersAsNames() {
    int numbers = 0, named = 0;
    for (const std::string& name : sample_.header()) {
      char* end = nullptr;
      if (name.empty()) continue;
      ++named;
      (void)std::strtod(name.c_str(), &end);
      numbers += end != name.c_str() && *end == '\0';
    }
    if (numbers * 2 < named || numbers == 0) return;
    guess_.doubts.push_back(
        {absl::StrCat("Does the file have a header? Its first line, ", numbers, " of whose ", named,
                      " fields are numbers, was taken for the columns' names. If it is data, put a line "
                      "with the names above it and run this again.")});
  }

  void LeaveOutUnreadable() {
    for (int c = 0; c < sample_.columns(); ++c) {
      const std::string& name = sample_.header()[c];
      if (name.empty()) {
        Decide(c, Role::kLeftOut, "the header does not name it, so nothing can ask for it");
      } else if (FindInvalidUtf8(name) != name.size()) {
        Decide(c, Role::kLeftOut, "its name is not UTF-8, so a model file cannot say it");
      } else if (!decided_[c] && profile(c).filled() == 0) {
        Decide(c, Role::kLeftOut, "it is empty in every sampled row");
      } else if (!decided_[c] && profile(c).utf8 < profile(c).filled()) {
        Decide(c, Role::kLeftOut, "some values are not UTF-8, or longer than 1,024 bytes");
      }
    }
  }

  void GuessTimes() {
    int best = guess_.Find(Role::kEventTime);
    int best_score = 0;
    const bool wished = best >= 0;
    for (int c = 0; c < sample_.columns() && !wished; ++c) {
      if (!open(c) || !LooksLikeTime(profile(c))) continue;
      const int score = 1 + EventTimeSign(profile(c).name) * 2 + (profile(c).ascending ? 3 : 0) +
                        (profile(c).empty == 0 ? 1 : 0) -
                        (IsLaterName(profile(c).name) || IsLabelTimeName(profile(c).name) ? 100 : 0);
      if (score > best_score) {
        best = c;
        best_score = score;
      }
    }
    if (best >= 0 && !wished) {
      Decide(best, Role::kEventTime,
             absl::StrCat("its values are times", profile(best).ascending ? ", and the rows are in their order" : ""));
      if (EventTimeSign(profile(best).name) < 3 && !profile(best).ascending) {
        guess_.doubts.push_back(
            {absl::StrCat("Is '", profile(best).name, "' when an event happened?"), Doubt::Place::kFiles});
      }
    }
    if (best < 0) {
      guess_.doubts.push_back(
          {"When did each event happen? No column says so, so rows count as they come and --evaluate_from takes no "
           "date. If "
           "there is such a column:",
           Doubt::Place::kFiles,
           {},
           {"files { event_time_column: \"COLUMN\" }"}});
    }
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!open(c)) continue;
      if (!LooksLikeTime(profile(c))) {
        if (LooksLikeLocalDate(profile(c))) {
          Decide(c, Role::kLeftOut,
                 "its values look like dates, but are not ISO 8601 (2017-04-22), which is what can be read");
          if (best < 0) {
            guess_.doubts.push_back({absl::StrCat("Column '", profile(c).name,
                                                  "' looks like a date; written as ISO 8601 it could be "
                                                  "the event time.")});
          }
        }
        continue;
      }
      if (IsLabelTimeName(profile(c).name) && guess_.Find(Role::kLabelTime) < 0) {
        Decide(c, Role::kLabelTime, "its name and its times say when the label was known");
        continue;
      }
      Decide(c, Role::kLeftOut,
             absl::StrCat("a date or time", best >= 0 ? CompareTimes(c, best) : "",
                          ": it does not return, so nothing can be learned of it as it is"));
    }
  }

  // Times by what they are; numbers only where the name says so too.
  static bool LooksLikeTime(const ColumnProfile& column) {
    if (!column.all_times()) return false;
    return column.ints < column.filled() || EventTimeSign(column.name) > 0 || IsLabelTimeName(column.name);
  }

  // 6/15/2021, 15.06.2021 and the like.
  static bool LooksLikeLocalDate(const ColumnProfile& column) {
    return EventTimeSign(column.name) > 0 && column.filled() > 0 && column.slashed == column.filled();
  }

  std::string CompareTimes(int c, int event) const {
    int64_t both = 0, later = 0, earlier = 0;
    for (int64_t row = 0; row < sample_.rows(); ++row) {
      int64_t mine = 0, its = 0;
      if (!ParseTimeMicros(sample_.Field(row, c), &mine) || !ParseTimeMicros(sample_.Field(row, event), &its)) continue;
      ++both;
      later += mine > its;
      earlier += mine < its;
    }
    if (both == 0) return "";
    const auto percent = [&](int64_t part) {
      return std::lround(100.0 * static_cast<double>(part) / static_cast<double>(both));
    };
    const std::string& name = sample_.header()[event];
    if (later > 0) {
      return absl::StrCat(", after '", name, "' in ", percent(later),
                          " % of the rows and so not known when they happened");
    }
    return absl::StrCat(", before '", name, "' in ", percent(earlier),
                        " % of the rows (the time between them could be a feature)");
  }

  // Why the values cannot be scenes; empty if they can.
  static std::string WhyNotScenes(const ColumnProfile& column) {
    if (column.empty > 0) return "is empty in some rows, expected the scene of each row";
    if (column.distinct > kMostScenes || column.values.empty()) {
      return absl::StrCat("has ", column.distinct, " values, expected at most ", kMostScenes, " scenes");
    }
    for (const auto& [value, count] : column.values) {
      if (!IsName(value)) {
        return absl::StrCat("has the value '", value, "', expected names of letters, digits, '_', '.' and '-'");
      }
    }
    return "";
  }

  void GuessScene() {
    if (guess_.Find(Role::kScene) >= 0) return;
    int best = -1, best_sign = 0;
    for (int c = 0; c < sample_.columns(); ++c) {
      const int sign = open(c) ? SceneSign(profile(c).name) : 0;
      if (sign <= best_sign) continue;
      const std::string why = WhyNotScenes(profile(c));
      if (why.empty() && (sign == 3 || profile(c).distinct > 1)) {
        best = c;
        best_sign = sign;
      } else if (sign >= 2 && !why.empty()) {
        guess_.doubts.push_back(
            {absl::StrCat("Is '", profile(c).name, "' the scene? It was not taken, for it ", why, ".")});
      }
    }
    if (best >= 0) {
      Decide(best, Role::kScene, absl::StrCat("its name, and ", DescribeValues(profile(best))));
      if (best_sign < 3) {
        guess_.doubts.push_back({absl::StrCat("Is '", profile(best).name,
                                              "' what tells one business context from another? If it is "
                                              "just a property of the event, run this again with --context ",
                                              profile(best).name, ".")});
      }
    }
  }

  void GuessRequest() {
    int best = guess_.Find(Role::kRequestId), best_sign = 0;
    const bool wished = best >= 0;
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!open(c)) continue;
      if (IsWeightName(profile(c).name) && profile(c).all_numbers() && profile(c).min >= 0 && profile(c).max <= 1e4 &&
          guess_.Find(Role::kWeight) < 0) {
        Decide(c, Role::kWeight, "its name");
        continue;
      }
      const int sign = RequestSign(profile(c).name);
      if (!wished && sign > best_sign && !Unique(profile(c))) {
        best = c;
        best_sign = sign;
      }
    }
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!open(c) || RequestSign(profile(c).name) == 0) continue;
      if (c == best) {
        Decide(c, Role::kRequestId,
               "its name; it groups rows and says nothing of the next visitor, so it is no feature");
      } else {
        Decide(c, Role::kLeftOut, "the id of one request or session never returns");
      }
    }
  }

  // Nearly every row has a value of its own.
  static bool Unique(const ColumnProfile& column) {
    return column.filled() >= kEnoughRows && column.distinct * 20 >= column.filled() * 19;
  }

  void LeaveOutOtherOutcomes() {
    for (int c = 0; c < sample_.columns(); ++c) {
      if (open(c) && LabelSignOf(profile(c).name) >= LabelSign::kOutcome) {
        Decide(c, Role::kLeftOut, "its name is an outcome's, and --label does not name it");
      }
    }
  }

  void LeaveOutConstants() {
    for (int c = 0; c < sample_.columns(); ++c) {
      if (open(c) && sample_.rows() > 1 && profile(c).distinct == 1 && profile(c).empty == 0) {
        Decide(c, Role::kLeftOut,
               absl::StrCat("it is '", profile(c).values[0].first.substr(0, 40), "' in every sampled row"));
      }
    }
  }

  void LeaveOutWhatNeverReturns() {
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!open(c)) continue;
      const ColumnProfile& column = profile(c);
      const bool text = !column.all_numbers() && !column.numbers_but_markers() && column.barred == 0;
      if (!Unique(column)) {
        if (text && column.mean_bytes > kTextBytes && column.spaced * 2 > column.filled() &&
            column.once * 2 > column.distinct) {
          Decide(c, Role::kLeftOut, "it is prose, of which only whole values could be learned");
        }
        continue;
      }
      if (column.all_ints() && column.ascending) {
        Decide(c, Role::kLeftOut, "it numbers the rows");
      } else if (text || (column.all_ints() && (IsIdentityName(column.name) || IsPersonName(column.name)))) {
        Decide(c, Role::kLeftOut,
               absl::StrCat("nearly every row has a value of its own (", DescribeValues(column),
                            "), and one that does not return teaches nothing"));
      }
    }
  }

  void LeaveOutWhatComesLater() {
    for (int c = 0; c < sample_.columns(); ++c) {
      if (!open(c) || !IsLaterName(profile(c).name)) continue;
      Decide(c, Role::kLeftOut, "by its name it is known only after the event");
      guess_.doubts.push_back({absl::StrCat("Is '", profile(c).name,
                                            "' known when the prediction is made? By its name it is not, so it was "
                                            "left out. If it is, run this again with --context ",
                                            profile(c).name, ".")});
    }
  }

  absl::Status NoLabel() const {
    return absl::InvalidArgumentError(absl::StrCat(sample_.path(),
                                                   ": no column can be a label (a number in every row that has it); ",
                                                   DescribeAll(), ". Name one with --label COLUMN"));
  }

  std::string DescribeAll() const {
    std::vector<std::string> parts;
    for (int c = 0; c < sample_.columns() && parts.size() < 10; ++c) {
      const ColumnGuess& column = guess_.columns[c];
      parts.push_back(absl::StrCat("'", sample_.header()[c], "' is ",
                                   column.role == Role::kFeature ? "text" : std::string(RoleName(column.role)),
                                   column.reason.empty() ? "" : absl::StrCat(" (", column.reason, ")")));
    }
    if (sample_.columns() > 10) parts.push_back(absl::StrCat("and ", sample_.columns() - 10, " more"));
    return absl::StrJoin(parts, ", ");
  }

  const TableSample& sample_;
  const Wishes& wishes_;
  TableGuess guess_;
  std::vector<bool> decided_;
};

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kFeature:
      return "feature";
    case Role::kLabel:
      return "label";
    case Role::kScene:
      return "scene";
    case Role::kEventTime:
      return "event time";
    case Role::kLabelTime:
      return "label time";
    case Role::kRequestId:
      return "request id";
    case Role::kWeight:
      return "weight";
    case Role::kLeftOut:
      return "left out";
  }
  return "";
}

int TableGuess::Find(Role role) const {
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].role == role) return static_cast<int>(c);
  }
  return -1;
}

std::vector<int> TableGuess::All(Role role) const {
  std::vector<int> found;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].role == role) found.push_back(static_cast<int>(c));
  }
  return found;
}

absl::StatusOr<TableGuess> GuessRoles(const TableSample& sample, const Wishes& wishes) {
  return RoleGuesser(sample, wishes).Guess();
}

}  // namespace polyscene
