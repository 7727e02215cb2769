#include "tests/unit/server/joiner/joiner_oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr int64_t kLongest = 1000;
constexpr int64_t kAssumeAfter = 10;
const char* const kTasks[] = {"click", "buy", "spend"};  // In the order of the model file.

int64_t Window(const std::string& task) { return task == "click" ? 100 : kLongest; }

}  // namespace

JoinerOracle::Outcome JoinerOracle::Remember(const std::string& id, uint32_t rows, int64_t event, bool replayed) {
  Outcome outcome;
  if (requests_.count(id) > 0) return outcome;
  Request& request = requests_[id];
  request.rows = rows;
  request.event = event;
  request.begins = replayed ? std::max(event, replay_) : event;
  request.replayed = replayed;
  for (const Waiting& waiting : waiting_[id]) {
    for (const LabelRow& row : waiting.labels) LabelOne(request, row, &outcome.logged);
    if (waiting.exposure.has_value()) ExposeOne(request, *waiting.exposure);
    joined_until_[id] = waiting.until;
  }
  waiting_.erase(id);
  return outcome;
}

JoinerOracle::Outcome JoinerOracle::Labels(const std::vector<LabelRow>& rows) {
  Outcome outcome;
  std::map<std::string, Waiting> wait;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto request = requests_.find(rows[i].request);
    if (request == requests_.end()) {
      wait[rows[i].request].labels.push_back(rows[i]);
      continue;
    }
    const std::string reason = LabelOne(request->second, rows[i], &outcome.logged);
    if (!reason.empty()) outcome.refused.emplace_back(i, reason);
  }
  for (auto& [id, waiting] : wait) Wait(id, std::move(waiting));
  return outcome;
}

void JoinerOracle::Wait(const std::string& id, Waiting waiting) {
  waiting.until = now_ + label_wait_;
  const auto joined = joined_until_.find(id);
  if (joined != joined_until_.end() && now_ < joined->second && joined->second < waiting.until) ++waited_again;
  waiting_[id].push_back(std::move(waiting));
}

std::string JoinerOracle::LabelOne(Request& request, const LabelRow& row, std::vector<LoggedRow>* logged) {
  if (row.row >= request.rows) return "no_such_row";
  if (!request.exposed.empty() &&
      std::find(request.exposed.begin(), request.exposed.end(), row.row) == request.exposed.end()) {
    return "not_exposed";
  }
  const bool timed = request.replayed && row.time.has_value();
  const int64_t time = timed ? *row.time : now_;
  std::string fresh, reason;
  std::vector<LoggedRow> corrections;
  for (const char* task : kTasks) {
    const auto label = row.labels.find(task);
    if (label == row.labels.end()) continue;
    if (time - request.event > Window(task)) {
      reason = "late";
      continue;
    }
    if (timed) replay_ = std::max(replay_, time);
    const std::string text = absl::StrCat(task, "=", label->second);
    const auto known = request.labels.find({row.row, task});
    if (known == request.labels.end()) {
      absl::StrAppend(&fresh, fresh.empty() ? "" : " ", text);
      request.labels[{row.row, task}] = {label->second, row.weight};
    } else if (known->second.value == label->second) {
      ++repeated;
    } else {
      ++corrected;
      corrections.push_back(
          {row.request, row.row, absl::StrCat(task, "=", known->second.value), -known->second.weight, true});
      corrections.push_back({row.request, row.row, text, row.weight, true});
      known->second = {label->second, row.weight};
    }
  }
  logged->insert(logged->end(), corrections.begin(), corrections.end());
  if (!fresh.empty()) logged->push_back({row.request, row.row, fresh, row.weight, false});
  return reason;
}

JoinerOracle::Outcome JoinerOracle::Expose(const ExposureRows& exposure) {
  Outcome outcome;
  const auto request = requests_.find(exposure.request);
  if (request == requests_.end()) {
    Wait(exposure.request, {0, {}, exposure});
  } else {
    outcome.refused = ExposeOne(request->second, exposure);
  }
  return outcome;
}

std::vector<std::pair<uint32_t, std::string>> JoinerOracle::ExposeOne(Request& request, const ExposureRows& exposure) {
  std::vector<std::pair<uint32_t, std::string>> refused;
  const bool timed = request.replayed && exposure.time.has_value();
  const int64_t time = timed ? *exposure.time : now_;
  bool any = false;
  for (size_t i = 0; i < exposure.rows.size(); ++i) {
    if (exposure.rows[i] >= request.rows) {
      refused.emplace_back(i, "no_such_row");
    } else if (time - request.event > kLongest) {
      refused.emplace_back(i, "late");
    } else {
      request.exposed.push_back(exposure.rows[i]);
      any = true;
    }
  }
  if (timed && any) replay_ = std::max(replay_, time);
  return refused;
}

JoinerOracle::Outcome JoinerOracle::Sweep() {
  Outcome outcome;
  for (auto request = requests_.begin(); request != requests_.end();) {
    auto& [id, of] = *request;
    const int64_t clock = of.replayed ? replay_ : now_;
    if (of.event + kAssumeAfter < clock) {
      for (const uint32_t row : of.exposed) {
        if (!of.labels.try_emplace({row, "click"}, Known{0, 1}).second) continue;
        outcome.logged.push_back({id, row, "click=0", 1, false});
        ++assumed;
      }
    }
    request = of.begins + kLongest < clock ? requests_.erase(request) : std::next(request);
  }
  for (auto& [id, entries] : waiting_) {
    std::erase_if(entries, [this](const Waiting& waiting) {
      if (waiting.until >= now_) return false;
      expired += waiting.labels.size();
      return true;
    });
  }
  return outcome;
}

size_t JoinerOracle::waiting_rows() const {
  size_t rows = 0;
  for (const auto& [id, entries] : waiting_) {
    for (const Waiting& waiting : entries) rows += waiting.labels.size();
  }
  return rows;
}

}  // namespace polyscene
