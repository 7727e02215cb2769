#include "client/status/watch_view.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/status/statuses.h"

namespace polyscene::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// 12:00:02 UTC on some day.
const absl::Time kNow = absl::FromUnixSeconds(20000LL * 86400 + 43202);

std::vector<std::string> Render(const WatchState& state, int columns, int rows, bool utf8 = true,
                                absl::Time now = kNow) {
  std::vector<std::string> texts;
  for (const StyledLine& line : RenderWatch(state, {columns, rows, utf8}, now, absl::UTCTimeZone())) {
    EXPECT_LE(line.width(), columns) << line.Text();
    texts.push_back(line.Text());
  }
  EXPECT_LE(texts.size(), static_cast<size_t>(rows));
  return texts;
}

class WatchViewTest : public ::testing::Test {
 protected:
  WatchViewTest() {
    shop_.Answered(EarlierShop(), kNow - absl::Seconds(2));
    shop_.Answered(LaterShop(), kNow);
  }
  WatchState shop_{"shop:50051"};
};

TEST_F(WatchViewTest, AnOrdinaryTerminalShowsEverything) {
  EXPECT_THAT(Render(shop_, 100, 30),  //
              ElementsAre("shop:50051  serving  up 62 s  q quits",
                          "version 18  1.5 s old  learning  cpu  model 0123456789abcdef",  //
                          "",                                                              //
                          "events    in 500/s  learned 1,500/s  rejected 2.0/s",
                          "backlog   8,000 rows  gone in 8.0 s  of 51,100 in the log",
                          "freshness p50 750 ms  p99 995 ms",    //
                          "memory    256.0 MiB  queue 12 rows",  //
                          "",                                    //
                          "predict  requests/s  errors/s  rows/s      p50      p99",
                          "*               100       0.5  10,000  1.00 ms  9.82 ms",
                          "search          100       0.5  10,000  1.00 ms  9.82 ms",
                          "feed            0.0       0.0     0.0        -        -",  //
                          "",                                                         //
                          "evaluation  task   metric   value  rows  since the watch began",
                          "*           click  auc     0.7500   100  ▁█",  //
                          "search      click  auc     0.7000   100  ▁█",  //
                          "feed        spend  r2           -    85  ▄"));
}

TEST_F(WatchViewTest, FadingLossesStandBesideTheWindowsAndGoFirst) {
  v1::GetStatusResponse status = LaterShop();
  const auto fading = [&](const char* scene, const char* task, const char* metric, double value) {
    v1::EvaluationFigure* figure = status.add_fading_evaluation();
    figure->set_scene(scene);
    figure->set_task(task);
    figure->set_metric(metric);
    figure->set_value(value);
  };
  fading("search", "click", "accuracy", 0.9);
  fading("search", "click", "log_loss", 0.53125);
  fading("feed", "spend", "mse", 12.5);
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30),
              IsSupersetOf({"evaluation  task   metric   value  rows  fading loss  since the watch began",
                            "*           click  auc     0.7500   100            -  ▁██",
                            "search      click  auc     0.7000   100       0.5312  ▁██",
                            "feed        spend  r2           -    85       12.500  ▄"}));
  EXPECT_THAT(Render(shop_, 50, 30), Contains("evaluation  task   metric   value  rows  history"));
}

TEST_F(WatchViewTest, LossesThatRoseOrAreAboutToAreNamed) {
  v1::GetStatusResponse status = LaterShop();
  v1::DriftStatus* rose = status.add_drift();
  rose->set_scene("search");
  rose->set_task("click");
  rose->set_alarms(3);
  v1::DriftStatus* rises = status.add_drift();
  rises->set_scene("feed");
  rises->set_task("spend");
  rises->set_level(0.75);
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30), Contains("drift     spend in feed at 75%  click in search 3x"));
  EXPECT_THAT(WatchLine(shop_, kNow, absl::UTCTimeZone()), HasSubstr("drift alarms 3"));
}

TEST_F(WatchViewTest, OfManyLossesThatRoseTheLastAreNamed) {
  v1::GetStatusResponse status = LaterShop();
  for (int i = 0; i < 5; ++i) {
    v1::DriftStatus* rose = status.add_drift();
    rose->set_scene(absl::StrCat("s", i));
    rose->set_task("click");
    rose->set_alarms(1);
    rose->set_last_alarm_event_micros(i == 1 ? 100 : i);
  }
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30), Contains("drift     click in s1 1x  click in s4 1x  click in s3 1x  2 more"));
}

TEST_F(WatchViewTest, ASmallerOneLosesBlankLinesFirst) {
  EXPECT_THAT(Render(shop_, 60, 15),  //
              ElementsAre("shop:50051  serving  up 62 s  q quits",
                          "version 18  1.5 s old  learning  cpu  model 0123456789abcdef",
                          "events    in 500/s  learned 1,500/s  rejected 2.0/s",
                          "backlog   8,000 rows  gone in 8.0 s  of 51,100 in the log",
                          "freshness p50 750 ms  p99 995 ms",    //
                          "memory    256.0 MiB  queue 12 rows",  //
                          "predict  requests/s  errors/s  rows/s      p50      p99",
                          "*               100       0.5  10,000  1.00 ms  9.82 ms",
                          "search          100       0.5  10,000  1.00 ms  9.82 ms",
                          "feed            0.0       0.0     0.0        -        -",
                          "evaluation  task   metric   value  rows  history",  //
                          "*           click  auc     0.7500   100  ▁█",       //
                          "search      click  auc     0.7000   100  ▁█",       //
                          "feed        spend  r2           -    85  ▄"));
}

TEST_F(WatchViewTest, ANarrowOneLosesColumnsAndAShortOneRows) {
  EXPECT_THAT(Render(shop_, 40, 10, false),                          //
              ElementsAre("shop:50051  serving  up 62 s  q quits",   //
                          "version 18  1.5 s old  learning  cpu",    //
                          "events    in 500/s  learned 1,500/s",     //
                          "backlog   8,000 rows  gone in 8.0 s",     //
                          "freshness p50 750 ms  p99 995 ms",        //
                          "predict  requests/s  errors/s      p99",  //
                          "*               100       0.5  9.82 ms",  //
                          "evaluation  task    value  history",      //
                          "*           click  0.7500  _#",           //
                          "... 5 more"));
}

TEST_F(WatchViewTest, WhateverTheSizeNothingIsWiderOrLonger) {
  shop_.Lost(absl::UnavailableError(std::string(500, 'x')), kNow);
  for (int columns = 1; columns < 120; columns += columns < 12 ? 1 : 7) {
    for (int rows = 1; rows < 40; ++rows) EXPECT_FALSE(Render(shop_, columns, rows).empty());  // Render() checks.
  }
}

TEST_F(WatchViewTest, EachTableKeepsItsShareOfRows) {
  v1::GetStatusResponse many = LaterShop();
  for (int i = 0; i < 50; ++i) {
    many.add_traffic()->set_scene(absl::StrCat("scene", i));
    v1::EvaluationFigure* const figure = many.add_evaluation();
    figure->set_scene(absl::StrCat("scene", i));
    figure->set_task("click");
    figure->set_metric("auc");
  }
  WatchState state("shop:50051");
  state.Answered(many, kNow);
  const std::vector<std::string> lines = Render(state, 100, 24);
  ASSERT_EQ(lines.size(), 24u);
  EXPECT_THAT(lines[5], StartsWith("predict"));
  EXPECT_THAT(lines[14], StartsWith("evaluation"));
  EXPECT_EQ(lines[23], "… 91 more");  // Of 53 + 53 rows and the memory, 8 + 8 rows are shown.
}

TEST_F(WatchViewTest, ALostServerKeepsItsViewAndSaysSinceWhenAndWhy) {
  shop_.Lost(absl::UnavailableError("Connection refused"), kNow + absl::Seconds(1));
  shop_.Lost(absl::UnavailableError("Connection\x1b[2J refused"), kNow + absl::Seconds(9));
  const std::vector<std::string> lines = Render(shop_, 100, 30, true, kNow + absl::Seconds(11));
  EXPECT_EQ(lines[0], "shop:50051  LOST  q quits");
  EXPECT_EQ(lines[1], "version 18  13 s old  learning  cpu  model 0123456789abcdef");
  EXPECT_EQ(lines[2], "lost since 12:00:03 (10 s), trying again: Connection?[2J refused");
  EXPECT_THAT(lines, Contains("search          100       0.5  10,000  1.00 ms  9.82 ms"));

  shop_.Answered(LaterShop(), kNow + absl::Seconds(20));
  EXPECT_EQ(Render(shop_, 100, 30)[0], "shop:50051  serving  up 62 s  q quits");
}

TEST_F(WatchViewTest, ARestartedServerHasNoRatesButItsHistory) {
  v1::GetStatusResponse restarted = EarlierShop();
  restarted.set_uptime_seconds(1);
  shop_.Answered(restarted, kNow);
  const std::vector<std::string> lines = Render(shop_, 100, 30);
  EXPECT_THAT(lines, Contains("events    in -  learned -  rejected -"));
  EXPECT_THAT(lines, Contains("backlog   10,000 rows  of 50,100 in the log"));
  EXPECT_THAT(lines, Contains("search            -         -       -    -    -"));
  EXPECT_THAT(lines, Contains("search      click  auc     0.6000    90  ▁█▁"));
}

TEST_F(WatchViewTest, OfAChainOfReasonsTheLastOneIsTold) {
  shop_.Lost(absl::UnavailableError("failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:5: Failed "
                                    "to connect to remote host: Connection refused"),
             kNow);
  EXPECT_EQ(Render(shop_, 100, 30)[2], "lost since 12:00:02 (0.0 s), trying again: Connection refused");
}

TEST_F(WatchViewTest, FreshnessStandsWhileThereIsABacklogAndNothingIsPublished) {
  v1::GetStatusResponse later = LaterShop();
  later.set_uptime_seconds(64);
  shop_.Answered(later, kNow);
  EXPECT_THAT(Render(shop_, 100, 30), Contains("freshness p50 750 ms  p99 995 ms"));

  later.set_uptime_seconds(66);
  later.set_learned_offset(later.log_end_offset());
  shop_.Answered(later, kNow);
  EXPECT_THAT(Render(shop_, 100, 30), Contains("freshness p50 -  p99 -"));
}

TEST_F(WatchViewTest, PausedOrStandingStillIsSaid) {
  v1::GetStatusResponse status = LaterShop();
  status.set_learning_paused(true);
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30)[1], HasSubstr("learning PAUSED"));
  EXPECT_THAT(Render(shop_, 100, 30), Contains("backlog   8,000 rows  paused  of 51,100 in the log"));

  status.set_learning_paused(false);
  status.set_trainer_error("loss is NaN");
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30), Contains("learning stands still: loss is NaN"));
  EXPECT_THAT(Render(shop_, 100, 30)[1], Not(HasSubstr("learning")));
}

TEST_F(WatchViewTest, ATrainerThatGivesWayIsSaid) {
  v1::GetStatusResponse status = LaterShop();
  status.set_trainer_share(0.35);
  shop_.Answered(status, kNow);
  EXPECT_THAT(Render(shop_, 100, 30)[1], HasSubstr("learning 35% of the time"));
}

TEST_F(WatchViewTest, WhatIsRememberedAndWhyProducersWaitIsShownWhereThereIsAny) {
  v1::GetStatusResponse status = LaterShop();
  status.mutable_joiner()->set_remembered_requests(1200);
  status.mutable_joiner()->set_joined_rows(30500);
  status.mutable_joiner()->set_expired_labels(7);
  status.mutable_joiner()->set_remembered_bytes(2 << 20);
  status.set_log_bytes(3 << 20);
  status.set_log_trouble("log_max_bytes is spent");
  shop_.Answered(status, kNow);
  const std::vector<std::string> lines = Render(shop_, 100, 30);
  EXPECT_THAT(lines, Contains("joiner    1,200 requests open  30,500 rows joined  7 in vain  2.0 MiB"));
  EXPECT_THAT(lines, Contains("memory    256.0 MiB  queue 12 rows  log 3.0 MiB"));
  EXPECT_THAT(lines, Contains("producers must wait: log_max_bytes is spent"));
  EXPECT_THAT(WatchLine(shop_, kNow, absl::UTCTimeZone()), HasSubstr("producers must wait"));
}

TEST_F(WatchViewTest, BeforeTheFirstAnswerItSaysSo) {
  WatchState state("shop:50051");
  EXPECT_THAT(Render(state, 80, 24), ElementsAre("shop:50051  no answer yet  q quits"));
  state.Lost(absl::UnavailableError("Connection refused"), kNow);
  EXPECT_THAT(Render(state, 80, 24), ElementsAre("shop:50051  NOT THERE  q quits",
                                                 "since 12:00:02 (0.0 s), trying again: Connection refused"));
}

TEST(MainFiguresTest, OneFigureASceneAndTaskAndAllTogetherFirst) {
  const std::vector<EvaluationFigure> figures = MainFigures(LaterShop());
  ASSERT_EQ(figures.size(), 3u);
  EXPECT_EQ(figures[0].scene, "*");
  EXPECT_EQ(figures[1].metric, "auc");  // Log loss came first, but tells less.
  EXPECT_EQ(figures[2].metric, "r2");
}

TEST(MainFiguresTest, OfOneSceneAlonePlusAllTogetherTheSceneIsShown) {
  const std::vector<EvaluationFigure> figures = MainFigures(StatusOf(R"(
    evaluation { scene: "search" task: "kind" metric: "log_loss" value: 1 }
    evaluation { scene: "search" task: "kind" metric: "accuracy" value: 0.5 }
    evaluation { scene: "*" task: "kind" metric: "accuracy" value: 0.5 })"));
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].scene, "search");
  EXPECT_EQ(figures[0].metric, "accuracy");
}

TEST_F(WatchViewTest, TheLineHasWhatMattersMost) {
  EXPECT_EQ(WatchLine(shop_, kNow, absl::UTCTimeZone()),
            "12:00:02  version 18  predict 100/s  p99 9.82 ms  learned 1,500/s  backlog 8000  click auc 0.7500");
}

}  // namespace
}  // namespace polyscene::cli
