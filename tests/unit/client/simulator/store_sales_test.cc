#include "client/simulator/store_sales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace polyscene::simulator {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<Row> AllRows(StoreSalesOptions options) {
  StoreSales sales(options);
  std::string text;
  while (sales.AppendDay(text)) {
  }
  const std::vector<std::string> names = absl::StrSplit(std::string(StoreSales::Header()), absl::ByAnyChar(",\n"));
  std::vector<Row> rows;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < fields.size(); ++i) row[names[i]] = fields[i];
  }
  EXPECT_EQ(static_cast<int64_t>(rows.size()), sales.rows());
  return rows;
}

int Number(const std::string& text) {
  int number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << text;
  return number;
}

TEST(StoreSales, WhatIsForecastIsWhatLaterRowsSayWasSold) {
  const std::vector<Row> rows = AllRows({3, 10});
  const size_t a_day = StoreSales::kStores * StoreSales::kItems;
  for (size_t i = 0; i + 7 * a_day < rows.size(); i += 97) {
    const Row& now = rows[i];
    const Row& next_day = rows[i + a_day];
    const Row& next_week = rows[i + 7 * a_day];
    ASSERT_EQ(now.at("item"), next_week.at("item"));
    ASSERT_EQ(now.at("store"), next_week.at("store"));
    EXPECT_EQ(now.at("sales_1"), next_day.at("sold_1d"));
    int week = 0;
    std::vector<std::string> days;
    for (int step = 1; step <= 7; ++step) {
      days.push_back(now.at("sales_" + std::to_string(step)));
      week += Number(days.back());
    }
    EXPECT_EQ(week, Number(next_week.at("sold_7d")));
    EXPECT_EQ(absl::StrJoin(days, "|"), next_week.at("same_days_last_week"));
    EXPECT_EQ(now.at("known_on"), next_week.at("date"));
  }
}

TEST(StoreSales, IsAFunctionOfItsOptions) {
  EXPECT_EQ(AllRows({1, 2}), AllRows({1, 2}));
  EXPECT_NE(AllRows({1, 2}), AllRows({2, 2}));
}

TEST(StoreSales, RatesForecastBetterThanTheWeekBefore) {
  const std::vector<Row> rows = AllRows({1, 28});
  double sum = 0, squares = 0, errors = 0;
  for (const Row& row : rows) {
    const double sold = Number(row.at("sales_1"));
    const std::vector<std::string> last_week = absl::StrSplit(row.at("same_days_last_week"), '|');
    sum += sold;
    squares += sold * sold;
    errors += (sold - Number(last_week[0])) * (sold - Number(last_week[0]));
  }
  const double of_last_week = 1 - errors / (squares - sum * sum / static_cast<double>(rows.size()));
  EXPECT_GT(StoreSales({1, 28}).BestR2(0), of_last_week + 0.1);
}

}  // namespace
}  // namespace polyscene::simulator
