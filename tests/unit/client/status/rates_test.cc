#include "client/status/rates.h"

#include <cmath>

#include "gtest/gtest.h"
#include "tests/unit/client/status/statuses.h"

namespace polyscene::cli {
namespace {

TEST(RatesTest, CountsBecomeRatesOverTheServersOwnTime) {
  const StatusRates rates = RatesBetween(EarlierShop(), LaterShop());
  ASSERT_TRUE(rates.known);
  EXPECT_DOUBLE_EQ(rates.seconds, 2);
  EXPECT_DOUBLE_EQ(rates.events_accepted, 500);
  EXPECT_DOUBLE_EQ(rates.events_learned, 1500);
  EXPECT_DOUBLE_EQ(rates.events_rejected, 2);
  EXPECT_DOUBLE_EQ(rates.freshness_p50_seconds.value, 0.75);
  ASSERT_EQ(rates.scenes.size(), 2u);
  EXPECT_DOUBLE_EQ(rates.scenes[0].requests, 100);
  EXPECT_DOUBLE_EQ(rates.scenes[0].errors, 0.5);
  EXPECT_DOUBLE_EQ(rates.scenes[0].rows, 10000);
  EXPECT_DOUBLE_EQ(rates.scenes[0].p50_seconds.value, 0.001);
  EXPECT_DOUBLE_EQ(rates.scenes[0].p99_seconds.value, 0.001 + 0.009 * 0.98);
  EXPECT_TRUE(std::isnan(rates.scenes[1].p50_seconds.value));  // No request in between.
  EXPECT_DOUBLE_EQ(rates.all.requests, 100);
  EXPECT_DOUBLE_EQ(rates.all.p50_seconds.value, 0.001);
}

TEST(RatesTest, ARestartedServerHasNoRatesYet) {
  v1::GetStatusResponse restarted = LaterShop();
  restarted.set_uptime_seconds(3);
  EXPECT_FALSE(RatesBetween(LaterShop(), restarted).known);

  // Up for longer than the one before was, when that was last seen.
  restarted.set_uptime_seconds(100);
  restarted.mutable_traffic(0)->set_requests(5);
  EXPECT_FALSE(RatesBetween(LaterShop(), restarted).known);
  EXPECT_TRUE(RatesJson(RatesBetween(LaterShop(), restarted)).is_null());
  EXPECT_FALSE(RatesBetween(LaterShop(), LaterShop()).known);  // No time has passed.
}

TEST(RatesTest, TheBacklogIsGoneAtTheDifferenceOfTheRates) {
  const StatusRates rates = RatesBetween(EarlierShop(), LaterShop());
  EXPECT_EQ(Backlog(LaterShop()), 8000u);
  EXPECT_DOUBLE_EQ(CatchUpSeconds(LaterShop(), rates), 8);  // 1,500 learned and 500 accepted a second.

  StatusRates slow = rates;
  slow.events_learned = 400;
  EXPECT_TRUE(std::isinf(CatchUpSeconds(LaterShop(), slow)));

  v1::GetStatusResponse idle = LaterShop();
  idle.set_learned_offset(idle.log_end_offset());
  EXPECT_EQ(CatchUpSeconds(idle, StatusRates()), 0);
}

TEST(RatesTest, JsonHasNullForWhatNobodySaw) {
  const Json json = RatesJson(RatesBetween(EarlierShop(), LaterShop()));
  EXPECT_EQ(json["events_learned"], 1500);
  EXPECT_EQ(json["scenes"][0]["scene"], "search");
  EXPECT_EQ(json["scenes"][0]["requests"], 100);
  EXPECT_TRUE(json["scenes"][1]["p99_seconds"].is_null());
}

TEST(ReadableRateTest, SmallOnesHaveADecimal) {
  EXPECT_EQ(ReadableRate(0), "0.0");
  EXPECT_EQ(ReadableRate(12.34), "12.3");
  EXPECT_EQ(ReadableRate(99.96), "100");
  EXPECT_EQ(ReadableRate(12345.6), "12,346");
}

}  // namespace
}  // namespace polyscene::cli
