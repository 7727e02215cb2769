#include "client/status/watch_view.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/status/fitted_table.h"
#include "client/status/status_json.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

constexpr int kLabelWidth = 10;      // With it, 40 columns hold both rates of events.
constexpr int kShortestHistory = 8;  // Narrower, the column goes.
constexpr int kLongestHistory = 48;
constexpr const char* kHistoryTitle = "since the watch began";

struct Word {
  std::string text;
  Emphasis emphasis = Emphasis::kNone;
};

// From here to an alarm a watched loss is worth a word.
constexpr double kDriftIsNear = 0.5;

using Lines = std::vector<StyledLine>;

std::string Count(uint64_t value) { return WithThousands(static_cast<long long>(value)); }

std::string ClockTime(absl::Time time, absl::TimeZone zone) { return absl::FormatTime("%H:%M:%S", time, zone); }

// A label, then `words` as far as they fit, the first ones first.
StyledLine WordLine(const std::string& label, const std::vector<Word>& words, const ViewSize& size) {
  StyledLine line;
  if (!label.empty()) line.Add(absl::StrFormat("%-*s", kLabelWidth, label), Emphasis::kDim);
  bool first = true;
  for (const Word& word : words) {
    if (word.text.empty()) continue;
    const int gap = first ? 0 : 2;
    if (!first && line.width() + gap + DisplayWidth(word.text) > size.columns) break;
    line.Add(std::string(gap, ' ')).Add(word.text, word.emphasis);
    first = false;
  }
  return line.CutTo(size.columns, size.utf8);
}

std::string PerSecond(const StatusRates& rates, double rate) {
  return rates.known ? absl::StrCat(ReadableRate(rate), "/s") : "-";
}

// Short, for narrow terminals.
std::string RoughSeconds(double seconds) {
  if (seconds < 120) return ReadableSeconds(seconds);
  return seconds < 7200 ? absl::StrFormat("%.0f min", seconds / 60) : absl::StrFormat("%.0f h", seconds / 3600);
}

// gRPC wraps the system's word for why there is no connection in a long chain; the end of it tells.
absl::string_view ShortReason(absl::string_view message) {
  const size_t colon = message.rfind(": ");
  return absl::StartsWith(message, "failed to connect to all addresses") && colon != absl::string_view::npos
             ? message.substr(colon + 2)
             : message;
}

std::string CatchUp(const v1::GetStatusResponse& status, const StatusRates& rates) {
  if (status.learning_paused() && Backlog(status) > 0) return "paused";
  const double seconds = CatchUpSeconds(status, rates);
  if (seconds == 0 || !rates.known) return "";
  return std::isfinite(seconds) ? absl::StrCat("gone in ", RoughSeconds(seconds)) : "not shrinking";
}

// ---- the parts ------------------------------------------------------------------------------------------------------

Lines Header(const WatchState& state, const ViewSize& size, absl::Time now, absl::TimeZone zone) {
  const std::optional<v1::GetStatusResponse>& status = state.status();
  Word condition{"no answer yet", Emphasis::kWarning};
  if (state.lost()) {
    condition = {status.has_value() ? "LOST" : "NOT THERE", Emphasis::kBad};
  } else if (status.has_value()) {
    condition = status->serving() ? Word{"serving", Emphasis::kGood} : Word{"not serving", Emphasis::kWarning};
  }
  std::vector<Word> first = {{PrintableAscii(state.server()), Emphasis::kBold}, condition};
  if (status.has_value() && !state.lost())
    first.push_back({absl::StrCat("up ", ReadableSeconds(status->uptime_seconds()))});
  first.push_back({"q quits", Emphasis::kDim});
  Lines lines = {WordLine("", first, size)};

  if (status.has_value()) {
    const uint64_t version = status->model().version();
    std::vector<Word> second = {{version == 0 ? "no version yet" : absl::StrCat("version ", Count(version))}};
    if (version != 0) {
      // Ages on while no answer comes.
      const double since = std::max(absl::ToDoubleSeconds(now - state.answered_at()), 0.0);
      second.push_back({absl::StrCat(ReadableSeconds(status->model().weight_age_seconds() + since), " old")});
    }
    if (status->learning_paused()) {
      second.push_back({"learning PAUSED", Emphasis::kWarning});
    } else if (status->trainer_error().empty()) {
      // 0: a server that does not tell it.
      const double share = status->trainer_share() > 0 ? status->trainer_share() : 1;
      second.push_back({share < 1 ? absl::StrFormat("learning %.0f%% of the time", 100 * share) : "learning"});
    }
    second.push_back({PrintableAscii(status->device())});
    second.push_back({absl::StrCat("model ", PrintableAscii(status->fingerprint()))});
    lines.push_back(WordLine("", second, size));
  }
  if (state.lost()) {
    lines.push_back(
        StyledLine(absl::StrCat(status.has_value() ? "lost since " : "since ", ClockTime(state.lost_since(), zone),
                                " (", ReadableSeconds(absl::ToDoubleSeconds(now - state.lost_since())),
                                "), trying again: ", PrintableAscii(ShortReason(state.trouble().message()))),
                   Emphasis::kBad)
            .CutTo(size.columns, size.utf8));
  }
  if (status.has_value() && !status->trainer_error().empty()) {
    lines.push_back(
        StyledLine(absl::StrCat("learning stands still: ", PrintableAscii(status->trainer_error())), Emphasis::kBad)
            .CutTo(size.columns, size.utf8));
  }
  if (status.has_value() && !status->log_trouble().empty()) {
    lines.push_back(
        StyledLine(absl::StrCat("producers must wait: ", PrintableAscii(status->log_trouble())), Emphasis::kBad)
            .CutTo(size.columns, size.utf8));
  }
  return lines;
}

// Requests that wait for labels and what became of those; nothing where nobody asks for it.
Lines Joiner(const v1::JoinerStatus& joiner, const ViewSize& size) {
  if (joiner.remembered_requests() == 0 && joiner.joined_rows() == 0 && joiner.waiting_labels() == 0) return {};
  const auto some = [](uint64_t count, absl::string_view what) {
    return count == 0 ? "" : absl::StrCat(Count(count), " ", what);
  };
  return {WordLine("joiner",
                   {{absl::StrCat(Count(joiner.remembered_requests()), " requests open")},
                    {absl::StrCat(Count(joiner.joined_rows()), " rows joined")},
                    {some(joiner.waiting_labels(), "labels wait")},
                    {some(joiner.expired_labels(), "in vain"), Emphasis::kWarning},
                    {ReadableBytes(static_cast<double>(joiner.remembered_bytes()))}},
                   size)};
}

// The loss that is nearest to an alarm, and those that rose last; nothing while there is none of either.
Lines Drift(const v1::GetStatusResponse& status, const ViewSize& size) {
  constexpr size_t kNamed = 3;
  std::vector<const v1::DriftStatus*> risen;
  const v1::DriftStatus* nearest = nullptr;
  for (const v1::DriftStatus& drift : status.drift()) {
    if (nearest == nullptr || drift.level() > nearest->level()) nearest = &drift;
    if (drift.alarms() > 0) risen.push_back(&drift);
  }
  std::stable_sort(risen.begin(), risen.end(), [](const v1::DriftStatus* a, const v1::DriftStatus* b) {
    return a->last_alarm_event_micros() > b->last_alarm_event_micros();
  });
  std::vector<Word> words;
  if (nearest != nullptr && nearest->level() >= kDriftIsNear) {
    words.push_back({absl::StrCat(PrintableAscii(nearest->task()), " in ", PrintableAscii(nearest->scene()),
                                  absl::StrFormat(" at %.0f%%", 100 * nearest->level()))});
  }
  for (size_t i = 0; i < std::min(risen.size(), kNamed); ++i) {
    words.push_back({absl::StrCat(PrintableAscii(risen[i]->task()), " in ", PrintableAscii(risen[i]->scene()), " ",
                                  Count(risen[i]->alarms()), "x"),
                     Emphasis::kWarning});
  }
  if (risen.size() > kNamed) words.push_back({absl::StrCat(Count(risen.size() - kNamed), " more"), Emphasis::kWarning});
  if (words.empty()) return {};
  return {WordLine("drift", words, size)};
}

Lines Learning(const v1::GetStatusResponse& status, const StatusRates& rates, const ViewSize& size) {
  const bool rejects = rates.events_rejected > 0;
  Lines lines = {WordLine("events",
                          {{absl::StrCat("in ", PerSecond(rates, rates.events_accepted))},
                           {absl::StrCat("learned ", PerSecond(rates, rates.events_learned))},
                           {absl::StrCat("rejected ", PerSecond(rates, rates.events_rejected)),
                            rejects ? Emphasis::kWarning : Emphasis::kNone}},
                          size),
                 WordLine("backlog",
                          {{absl::StrCat(Count(Backlog(status)), " rows")},
                           {CatchUp(status, rates), Emphasis::kWarning},
                           {absl::StrCat("of ", Count(status.log_end_offset()), " in the log")}},
                          size),
                 WordLine("freshness",
                          {{absl::StrCat("p50 ", ReadableQuantile(rates.freshness_p50_seconds))},
                           {absl::StrCat("p99 ", ReadableQuantile(rates.freshness_p99_seconds))}},
                          size)};
  for (const StyledLine& line : Drift(status, size)) lines.push_back(line);
  for (const StyledLine& line : Joiner(status.joiner(), size)) lines.push_back(line);
  lines.push_back(WordLine(
      "memory",
      {{ReadableBytes(static_cast<double>(status.memory_resident_bytes()))},
       {absl::StrCat("queue ", Count(status.queue_rows()), " rows")},
       {status.log_bytes() == 0 ? "" : absl::StrCat("log ", ReadableBytes(static_cast<double>(status.log_bytes())))}},
      size));
  return lines;
}

// One line a scene.
Lines PredictTable(const v1::GetStatusResponse& status, const StatusRates& rates, const ViewSize& size) {
  FittedColumn scene{"predict"}, requests{"requests/s", true}, errors{"errors/s", true, 2}, rows{"rows/s", true, 4},
      p50{"p50", true, 3}, p99{"p99", true, 1};
  const auto add = [&](const SceneRates& one) {
    scene.cells.push_back(PrintableAscii(one.scene));
    requests.cells.push_back(rates.known ? ReadableRate(one.requests) : "-");
    errors.cells.push_back(rates.known ? ReadableRate(one.errors) : "-");
    rows.cells.push_back(rates.known ? ReadableRate(one.rows) : "-");
    p50.cells.push_back(rates.known ? ReadableQuantile(one.p50_seconds) : "-");
    p99.cells.push_back(rates.known ? ReadableQuantile(one.p99_seconds) : "-");
  };
  if (status.traffic_size() > 1) {
    SceneRates all = rates.all;
    all.scene = "*";
    add(all);
  }
  for (int i = 0; i < status.traffic_size(); ++i) {
    SceneRates one = rates.known ? rates.scenes[i] : SceneRates();
    one.scene = status.traffic(i).scene();
    add(one);
  }
  if (scene.cells.empty()) return {};
  return FitTable({scene, requests, errors, rows, p50, p99}, size.columns, size.utf8);
}

// The fading loss of what `main` is a figure of; "-" where there is none.
std::string FadingLoss(const std::vector<EvaluationFigure>& fading, const EvaluationFigure& main) {
  for (const EvaluationFigure& figure : fading) {
    if (figure.scene != main.scene || figure.task != main.task || !std::isfinite(figure.value)) continue;
    if (figure.metric != "log_loss" && figure.metric != "mse" && figure.metric != "pinball") continue;
    return Readable(figure.value);
  }
  return "-";
}

// One line a scene and task.
Lines EvaluationTable(const WatchState& state, const ViewSize& size) {
  const std::vector<EvaluationFigure> figures = MainFigures(*state.status());
  if (figures.empty()) return {};
  std::vector<FittedColumn> columns = {{"evaluation"},       {"task"},
                                       {"metric", false, 3}, {"value", true},
                                       {"rows", true, 4},    {std::string(kShortestHistory, ' '), false, 2}};
  FittedColumn fading_loss{"fading loss", true, 5};
  const std::vector<EvaluationFigure> fading = FiguresOf(state.status()->fading_evaluation());
  for (const EvaluationFigure& figure : figures) fading_loss.cells.push_back(FadingLoss(fading, figure));
  if (!fading.empty()) columns.insert(columns.end() - 1, fading_loss);
  FittedColumn& history = columns.back();
  for (const EvaluationFigure& figure : figures) {
    columns[0].cells.push_back(PrintableAscii(figure.scene));
    columns[1].cells.push_back(PrintableAscii(figure.task));
    columns[2].cells.push_back(PrintableAscii(figure.metric));
    columns[3].cells.push_back(std::isfinite(figure.value) ? absl::StrFormat("%.4f", figure.value) : "-");
    columns[4].cells.push_back(Count(figure.rows));
    history.cells.emplace_back(kShortestHistory, ' ');
  }
  // First whether there is room for the history at all, then it gets all the room that is left.
  const std::vector<int> widths = FitColumns(columns, size.columns);
  history.cells.clear();
  if (widths.back() == 0) {
    columns.pop_back();
  } else {
    int taken = 0;
    for (size_t c = 0; c + 1 < widths.size(); ++c) taken += widths[c] > 0 ? widths[c] + 2 : 0;
    const int room = std::clamp(size.columns - taken, kShortestHistory, kLongestHistory);
    history.title = room >= DisplayWidth(kHistoryTitle) ? kHistoryTitle : "history";
    for (const EvaluationFigure& figure : figures) {
      history.cells.push_back(Sparkline(state.HistoryOf(figure), room, size.utf8));
    }
  }
  return FitTable(columns, size.columns, size.utf8);
}

// ---- the page -------------------------------------------------------------------------------------------------------

StyledLine More(size_t count, const ViewSize& size) {
  return StyledLine(absl::StrCat(size.utf8 ? "…" : "...", " ", count, " more"), Emphasis::kDim)
      .CutTo(size.columns, size.utf8);
}

// Shortens two tables, of which the first line is a header, to `room` lines together, and returns how many rows that
// leaves out. Each gets half, and what the other one does not need; a header alone is not worth its line.
size_t Shorten(size_t room, Lines& first, Lines& second) {
  const auto rows = [&] { return first.size() + second.size() - !first.empty() - !second.empty(); };
  const size_t before = rows();
  size_t for_first = std::min(first.size(), std::max(room / 2, room - std::min(room, second.size())));
  size_t for_second = std::min(second.size(), room - for_first);
  if (for_first < 2) {
    for_first = 0;
    for_second = std::min(second.size(), room);
  }
  if (for_second < 2) {
    for_second = 0;
    for_first = room < 2 ? 0 : std::min(first.size(), room);
  }
  first.resize(for_first);
  second.resize(for_second);
  return before - rows();
}

void AppendPart(const Lines& part, bool blank_before, Lines& page) {
  if (part.empty()) return;
  if (blank_before && !page.empty()) page.emplace_back();
  page.insert(page.end(), part.begin(), part.end());
}

}  // namespace

std::vector<StyledLine> RenderWatch(const WatchState& state, const ViewSize& size, absl::Time now,
                                    absl::TimeZone zone) {
  const size_t rows = std::max(size.rows, 1);
  const Lines header = Header(state, size, now, zone);
  Lines learning, predict, evaluation;
  if (state.status().has_value()) {
    learning = Learning(*state.status(), state.rates(), size);
    predict = PredictTable(*state.status(), state.rates(), size);
    evaluation = EvaluationTable(state, size);
  }
  const size_t lines = header.size() + learning.size() + predict.size() + evaluation.size();
  const size_t blanks = !learning.empty() + !predict.empty() + !evaluation.empty();
  const bool blank = lines + blanks <= rows;
  size_t left_out = 0;
  if (lines > rows) {
    if (!learning.empty()) {
      learning.pop_back();  // Memory and queue tell least of how things go.
      ++left_out;
    }
    const size_t fixed = header.size() + learning.size() + 1;  // With the line that says how many more there are.
    left_out += Shorten(rows > fixed ? rows - fixed : 0, predict, evaluation);
  }
  Lines page;
  AppendPart(header, false, page);
  AppendPart(learning, blank, page);
  AppendPart(predict, blank, page);
  AppendPart(evaluation, blank, page);
  if (lines > rows) {
    const size_t kept = std::min(page.size(), rows - 1);
    left_out += page.size() - kept;
    page.resize(kept);
    page.push_back(More(left_out, size));
  }
  return page;
}

std::string WatchLine(const WatchState& state, absl::Time now, absl::TimeZone zone) {
  if (!state.status().has_value()) return absl::StrCat(ClockTime(now, zone), "  no answer yet");
  const v1::GetStatusResponse& status = *state.status();
  const StatusRates& rates = state.rates();
  std::vector<std::string> words = {ClockTime(now, zone), absl::StrCat("version ", status.model().version())};
  if (!status.serving()) words.push_back("not serving");
  if (status.learning_paused()) words.push_back("learning paused");
  if (!status.trainer_error().empty()) words.push_back("learning stands still");
  if (!status.log_trouble().empty()) words.push_back("producers must wait");
  words.push_back(absl::StrCat("predict ", PerSecond(rates, rates.all.requests)));
  if (rates.known) words.push_back(absl::StrCat("p99 ", ReadableQuantile(rates.all.p99_seconds)));
  words.push_back(absl::StrCat("learned ", PerSecond(rates, rates.events_learned)));
  words.push_back(absl::StrCat("backlog ", Backlog(status)));
  uint64_t alarms = 0;
  for (const v1::DriftStatus& drift : status.drift()) alarms += drift.alarms();
  if (alarms > 0) words.push_back(absl::StrCat("drift alarms ", alarms));
  // Of all scenes together, or of the only one; of a forecast the first value.
  const std::vector<EvaluationFigure> figures = MainFigures(status);
  for (const EvaluationFigure& figure : figures) {
    if (!std::isfinite(figure.value) || figure.scene != figures[0].scene) continue;
    if (absl::EndsWith(figure.task, "]") && !absl::EndsWith(figure.task, "[0]")) continue;
    words.push_back(absl::StrFormat("%s %s %.4f", figure.task, figure.metric, figure.value));
  }
  return PrintableAscii(absl::StrJoin(words, "  "));
}

}  // namespace polyscene::cli
