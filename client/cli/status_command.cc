// `polyscene status`: what the server serves, has learned and holds.
#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "client/status/histogram.h"
#include "client/status/status_json.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

std::string Count(uint64_t value) { return WithThousands(static_cast<long long>(value)); }

void PrintPair(absl::string_view name, const std::string& value) {
  std::cout << name << std::string(name.size() < 18 ? 18 - name.size() : 1, ' ') << value << "\n";
}

// Empty where nothing was ever remembered.
std::string JoinedText(const v1::JoinerStatus& joiner) {
  std::vector<std::string> parts;
  const auto add = [&parts](uint64_t count, absl::string_view what) {
    if (count > 0) parts.push_back(absl::StrCat(Count(count), " ", what));
  };
  add(joiner.joined_rows(), "rows joined");
  add(joiner.corrected_labels(), "corrected");
  add(joiner.assumed_negatives(), "assumed negative");
  add(joiner.repeated_labels(), "repeated");
  add(joiner.waiting_labels(), "waiting for their requests");
  add(joiner.expired_labels(), "waited in vain");
  if (parts.empty() && joiner.remembered_requests() > 0) return "none yet";
  return absl::StrJoin(parts, ", ");
}

// "click and stay, cosine -0.31: they conflict".
std::string AgreementText(const v1::GradientPair& pair) {
  return absl::StrCat(pair.first(), " and ", pair.second(), ", cosine ", absl::StrFormat("%.2f", pair.cosine()),
                      pair.cosine() < 0 ? ": they conflict" : "");
}

// The losses that rose last, or the one that is nearest to it.
std::string DriftText(google::protobuf::RepeatedPtrField<v1::DriftStatus> drift) {
  constexpr size_t kNamed = 3;
  std::stable_sort(drift.begin(), drift.end(), [](const v1::DriftStatus& a, const v1::DriftStatus& b) {
    return a.last_alarm_event_micros() > b.last_alarm_event_micros();
  });
  std::vector<std::string> parts;
  size_t more = 0;
  for (const v1::DriftStatus& one : drift) {
    if (one.alarms() == 0) continue;
    if (parts.size() == kNamed) {
      ++more;
      continue;
    }
    parts.push_back(absl::StrCat(one.task(), " in ", one.scene(), ", ", Count(one.alarms()),
                                 one.alarms() == 1 ? " alarm" : " alarms"));
    if (one.last_alarm_event_micros() == 0) continue;
    absl::StrAppend(&parts.back(), ", last at ",
                    absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(one.last_alarm_event_micros()),
                                     absl::UTCTimeZone()));
  }
  if (more > 0) parts.push_back(absl::StrCat(Count(more), " more"));
  if (!parts.empty()) return absl::StrJoin(parts, "; ");
  const v1::DriftStatus* const nearest =
      &*std::max_element(drift.begin(), drift.end(),
                         [](const v1::DriftStatus& a, const v1::DriftStatus& b) { return a.level() < b.level(); });
  return absl::StrCat("none, nearest ", nearest->task(), " in ", nearest->scene(), " at ",
                      absl::StrFormat("%.0f%%", 100 * nearest->level()));
}

// What became of rows is told where there is a table whose rows wait or are let go.
std::string TablesText(const google::protobuf::RepeatedPtrField<v1::TableStatus>& tables) {
  const bool any_policy = std::any_of(tables.begin(), tables.end(), [](const v1::TableStatus& table) {
    return table.waiting_ids() + table.expired_rows() + table.evicted_rows() > 0;
  });
  TextTable text(any_policy ? std::vector<std::string>{"embedding table", "rows", "waiting", "expired", "evicted"}
                            : std::vector<std::string>{"embedding table", "rows"});
  for (const v1::TableStatus& table : tables) {
    std::vector<std::string> row = {table.table(), Count(table.rows())};
    if (any_policy) {
      row.insert(row.end(), {Count(table.waiting_ids()), Count(table.expired_rows()), Count(table.evicted_rows())});
    }
    text.AddRow(std::move(row));
  }
  return text.Render();
}

std::string LearningText(const v1::GetStatusResponse& status) {
  if (status.learning_paused()) return "paused";
  if (!status.trainer_error().empty()) return "stands still";
  // A server that does not tell its share yet says 0.
  if (status.trainer_share() <= 0 || status.trainer_share() >= 1) return "on";
  return absl::StrFormat("on, %.0f%% of the time at most: Predict's latency comes first", 100 * status.trainer_share());
}

void PrintStatus(const std::string& server, const v1::GetStatusResponse& status) {
  PrintPair("server", absl::StrCat(server, status.serving() ? ", serving" : ", not serving"));
  PrintPair("model", absl::StrCat(status.fingerprint(), " on ", status.device()));
  PrintPair("version", status.model().version() == 0
                           ? "none yet"
                           : absl::StrCat(Count(status.model().version()), ", published ",
                                          ReadableSeconds(status.model().weight_age_seconds()), " ago"));
  PrintPair("learned up to",
            status.model().learned_up_to_micros() == 0
                ? "no event told its time"
                : absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(status.model().learned_up_to_micros()),
                                   absl::UTCTimeZone()));
  PrintPair("learning", LearningText(status));
  PrintPair("events accepted", absl::StrCat(Count(status.events_accepted()), ", rejected since the start ",
                                            Count(status.events_rejected())));
  PrintPair("events learned", absl::StrCat(Count(status.events_learned()), " in ", Count(status.step()), " steps"));
  PrintPair("log offsets", absl::StrCat("end ", Count(status.log_end_offset()), ", learned ",
                                        Count(status.learned_offset()), ", served ", Count(status.served_offset()),
                                        ", checkpoint ", Count(status.checkpoint_offset())));
  if (status.log_bytes() > 0) PrintPair("log on disk", ReadableBytes(static_cast<double>(status.log_bytes())));
  if (!status.log_trouble().empty()) PrintPair("log trouble", status.log_trouble());
  if (const std::string joined = JoinedText(status.joiner()); !joined.empty()) {
    PrintPair("remembered", absl::StrCat(Count(status.joiner().remembered_requests()), " requests, ",
                                         ReadableBytes(static_cast<double>(status.joiner().remembered_bytes()))));
    PrintPair("late labels", joined);
  }
  if (status.has_worst_tasks()) PrintPair("worst tasks", AgreementText(status.worst_tasks()));
  if (status.has_worst_scenes()) PrintPair("worst scenes", AgreementText(status.worst_scenes()));
  if (!status.drift().empty()) PrintPair("drift", DriftText(status.drift()));
  PrintPair("freshness", absl::StrCat("p50 ", ReadableQuantile(HistogramQuantile(status.freshness_seconds(), 0.5)),
                                      ", p99 ", ReadableQuantile(HistogramQuantile(status.freshness_seconds(), 0.99))));
  PrintPair("queue", absl::StrCat(Count(status.queue_rows()), " rows waiting for Predict"));
  PrintPair("memory", ReadableBytes(static_cast<double>(status.memory_resident_bytes())));
  PrintPair("up", ReadableSeconds(status.uptime_seconds()));
  if (!status.trainer_error().empty()) PrintPair("trainer error", status.trainer_error());

  if (!status.traffic().empty()) {
    TextTable traffic({"predict since the start", "requests", "errors", "rows", "p50", "p99"});
    for (const v1::SceneTraffic& scene : status.traffic()) {
      traffic.AddRow({scene.scene(), Count(scene.requests()), Count(scene.errors()), Count(scene.rows()),
                      ReadableQuantile(HistogramQuantile(scene.predict_seconds(), 0.5)),
                      ReadableQuantile(HistogramQuantile(scene.predict_seconds(), 0.99))});
    }
    std::cout << "\n" << traffic.Render();
  }
  if (!status.tables().empty()) {
    std::cout << "\n" << TablesText(status.tables());
  }
  if (!status.evaluation().empty()) std::cout << "\n" << FigureTable(FiguresOf(status.evaluation()));
  if (!status.fading_evaluation().empty()) {
    std::cout << "\nOf every row, older ones fading away\n" << FigureTable(FiguresOf(status.fading_evaluation()));
  }
  if (!status.served_evaluation().empty()) {
    std::cout << "\nAnswers that callers got, of remembered requests whose labels came\n"
              << FigureTable(FiguresOf(status.served_evaluation()));
  }
}

int Status(const CommonFlags& flags, const std::string& producer) {
  client::Client client(client::ClientOptions{.server = flags.server});
  const absl::StatusOr<v1::GetStatusResponse> status = client.GetStatus(producer);
  if (!status.ok()) return Fail(status.status());
  if (flags.json) {
    PrintJson(StatusJson(*status));
  } else {
    PrintStatus(flags.server, *status);
  }
  return kDone;
}

}  // namespace

void AddStatusCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work) {
  CLI::App* command = app.add_subcommand("status", "What the server serves, has learned and holds");
  command->footer("Example:\n  polyscene status --json");
  auto producer = std::make_shared<std::string>();
  command->add_option("--evaluation_of", *producer,
                      "A producer whose evaluation to show (default: the recent past of all events)");
  command->callback(
      [&flags, producer, set_work] { set_work([&flags, producer] { return Status(flags, *producer); }); });
}

}  // namespace polyscene::cli
