// `polyscene watch`: a live view of a server.
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/status/status_follower.h"
#include "client/status/status_json.h"
#include "client/status/terminal.h"
#include "client/status/watch_state.h"
#include "client/status/watch_view.h"

namespace polyscene::cli {
namespace {

// Without a terminal nobody sees a server that is not there: it is waited for this long, then watching has failed.
constexpr absl::Duration kFirstAnswerTimeout = absl::Seconds(10);
constexpr absl::Duration kRedraw = absl::Seconds(1);  // Ages go on while nothing comes.

struct WatchFlags {
  double interval_seconds = 1;
  std::string evaluation_of;
  int64_t count = 0;  // 0: no end.
};

FollowerOptions FollowerOptionsOf(const CommonFlags& common, const WatchFlags& flags) {
  FollowerOptions options;
  options.server = common.server;
  options.evaluation_of = flags.evaluation_of;
  options.interval = absl::Seconds(flags.interval_seconds);
  return options;
}

// Errors of the very first call that no second one will mend.
bool IsFinal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsUnimplemented(status) ||
         absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

// How watching ended.
struct End {
  absl::Status status;
  int signal = 0;  // That ended it.
};

End WatchOnTerminal(const CommonFlags& common, const WatchFlags& flags, TerminalAbilities abilities) {
  Terminal terminal(abilities);
  StatusFollower follower(FollowerOptionsOf(common, flags), [&terminal] { terminal.Wake(); });
  WatchState state(common.server);
  for (int64_t answers = 0;;) {
    for (StatusNews& news : follower.Take()) {
      if (news.answer.ok()) {
        state.Answered(*std::move(news.answer), news.at);
        if (++answers == flags.count) return {};
      } else {
        if (answers == 0 && IsFinal(news.answer.status())) return {news.answer.status()};
        state.Lost(news.answer.status(), news.at);
      }
    }
    const ScreenSize size = terminal.size();
    terminal.Draw(RenderWatch(state, {size.columns, size.rows, abilities.utf8}, absl::Now(), absl::LocalTimeZone()));
    const Terminal::Input input = terminal.Wait(kRedraw);
    if (input.signal != 0) return {absl::OkStatus(), input.signal};
    if (input.keys.find_first_of("qQ") != std::string::npos) return {};
  }
}

void PrintAnswer(const CommonFlags& common, const WatchState& state) {
  if (common.json) {
    Json json = StatusJson(*state.status());
    json["rates"] = RatesJson(state.rates());
    PrintJson(json);
  } else {
    std::cout << WatchLine(state, state.answered_at(), absl::LocalTimeZone()) << "\n";
  }
  std::cout.flush();
}

absl::Status WatchInLines(const CommonFlags& common, const WatchFlags& flags) {
  std::mutex mu;
  std::condition_variable changed;
  bool news_came = false;
  StatusFollower follower(FollowerOptionsOf(common, flags), [&] {
    {
      std::lock_guard<std::mutex> lock(mu);
      news_came = true;
    }
    changed.notify_all();
  });
  WatchState state(common.server);
  const absl::Time began = absl::Now();
  for (int64_t answers = 0;;) {
    for (StatusNews& news : follower.Take()) {
      if (news.answer.ok()) {
        if (state.lost()) std::cerr << "polyscene: server " << common.server << " answers\n";
        state.Answered(*std::move(news.answer), news.at);
        PrintAnswer(common, state);
        // Whoever reads has gone, as `head` does.
        if (!std::cout) return absl::OkStatus();
        if (++answers == flags.count) return absl::OkStatus();
        continue;
      }
      const absl::Status why = news.answer.status();
      if (answers == 0 && (IsFinal(why) || news.at - began >= kFirstAnswerTimeout)) return why;
      if (!state.lost()) std::cerr << "polyscene: " << why.message() << "; trying again\n";
      state.Lost(why, news.at);
    }
    std::unique_lock<std::mutex> lock(mu);
    changed.wait_for(lock, absl::ToChronoNanoseconds(kRedraw), [&] { return news_came; });
    news_came = false;
  }
}

int Watch(const CommonFlags& common, const WatchFlags& flags) {
  const TerminalAbilities abilities = LookAtTerminal();
  End end;
  if (abilities.usable && !common.json) {
    end = WatchOnTerminal(common, flags, abilities);
  } else {
    end.status = WatchInLines(common, flags);
  }
  // The terminal is as it was: now the signal may do what it always does.
  if (end.signal != 0) std::raise(end.signal);
  return end.status.ok() ? kDone : Fail(end.status);
}

}  // namespace

void AddWatchCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("watch", "A live view of the server: rates, latency, backlog, evaluation");
  command->footer(
      "On a terminal: a view that fits its size, finds the server again when it went away, and ends with q. "
      "Elsewhere,\n"
      "and with --json: a line an answer. Rates and latencies are of the time between two answers. NO_COLOR is "
      "heeded.\n\n"
      "Example:\n  polyscene watch --interval 0.5 --count 10");
  auto flags = std::make_shared<WatchFlags>();
  command->add_option("--interval", flags->interval_seconds, "Seconds between two answers")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--evaluation_of", flags->evaluation_of,
                      "A producer whose evaluation to show (default: the recent past of all events)");
  command->add_option("--count", flags->count, "End after so many answers")->check(CLI::PositiveNumber);
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Watch(common, *flags); }); });
}

}  // namespace polyscene::cli
