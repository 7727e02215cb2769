#include "client/simulator/store_sales.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"

namespace polyscene::simulator {
namespace {

constexpr int kDaysBehind = 28;  // The longest sum of sales that a row tells.
constexpr double kPi = 3.14159265358979323846;
constexpr const char* kStoreNames[] = {"berlin", "bonn", "hamburg", "koeln", "muenchen", "ulm"};
constexpr const char* kCategoryNames[] = {"bakery", "dairy",     "drinks", "fruit",
                                          "frozen", "household", "snacks", "toys"};

absl::CivilDay DateOf(int day) { return absl::CivilDay(2026, 1, 5) + day; }  // Day 0 is a Monday.

int DayOfWeek(int day) { return (day % 7 + 7) % 7; }

}  // namespace

StoreSales::StoreSales(StoreSalesOptions options)
    : options_(options), first_day_(-kDaysBehind), end_day_(options.days + kHorizon) {
  Random random(options_.seed, /*stream=*/0x5702E5);
  for (int s = 0; s < kStores; ++s) {
    Store& store = stores_.emplace_back();
    store.size = std::exp(0.5 * random.Normal());
    store.discount_power = random.Uniform(0.5, 3.5);
    for (double& day : store.week) day = std::exp(0.3 * random.Normal());
    for (double& category : store.leaning) category = std::exp(0.5 * random.Normal());
  }
  for (int i = 0; i < kItems; ++i) {
    Item& item = items_.emplace_back();
    item.category = random.Below(kCategories);
    item.price = std::round(100 * std::exp(1 + 0.7 * random.Normal())) / 100;
    item.units = std::exp(0.8 + 0.9 * random.Normal());
  }
  std::vector<float> planned(static_cast<size_t>(kStores) * kItems, 0);
  for (int day = first_day_; day < end_day_; ++day) {
    if (day == first_day_ || DayOfWeek(day) == 0) {  // Discounts hold for a week.
      for (float& discount : planned) {
        discount = random.Chance(0.12) ? static_cast<float>(10 * (1 + random.Below(4))) / 100 : 0;
      }
    }
    discounts_.push_back(planned);
    std::vector<int>& units = units_.emplace_back();
    for (int s = 0; s < kStores; ++s) {
      for (int i = 0; i < kItems; ++i) units.push_back(random.Poisson(RateOf(s, i, day)));
    }
  }
}

double StoreSales::RateOf(int store, int item, int day) const {
  const Store& where = stores_[store];
  const Item& what = items_[item];
  const double discount = discounts_[day - first_day_][CellOf(store, item)];
  const double season = 1 + 0.4 * std::sin(2 * kPi * (day / 120.0 + what.category / static_cast<double>(kCategories)));
  return what.units * where.size * where.week[DayOfWeek(day)] * where.leaning[what.category] * season *
         std::pow(1 - discount, -where.discount_power);
}

int StoreSales::Sold(int store, int item, int day, int days_before) const {
  int units = 0;
  for (int d = day - days_before; d < day; ++d) units += units_[d - first_day_][CellOf(store, item)];
  return units;
}

std::string StoreSales::Header() {
  std::string header =
      "date,store,item,category,day_of_week,price,discounts_ahead,sold_1d,sold_7d,sold_28d,same_days_last_week,known_"
      "on";
  for (int step = 1; step <= kHorizon; ++step) absl::StrAppend(&header, ",sales_", step);
  return header + "\n";
}

void StoreSales::AppendRow(int store, int item, std::string& text) const {
  const size_t cell = CellOf(store, item);
  std::string ahead, last_week, sales;
  for (int step = 0; step < kHorizon; ++step) {
    const char* separator = step == 0 ? "" : "|";
    absl::StrAppendFormat(&ahead, "%s%.1f", separator, discounts_[day_ + step - first_day_][cell]);
    absl::StrAppend(&last_week, separator, units_[day_ + step - 7 - first_day_][cell]);
    absl::StrAppend(&sales, ",", units_[day_ + step - first_day_][cell]);
  }
  absl::StrAppendFormat(&text, "%s,%s,%d,%s,%d,%.2f,%s,%d,%d,%d,%s,%s%s\n", absl::FormatCivilTime(DateOf(day_)),
                        kStoreNames[store], item, kCategoryNames[items_[item].category], DayOfWeek(day_),
                        items_[item].price, ahead, Sold(store, item, day_, 1), Sold(store, item, day_, 7),
                        Sold(store, item, day_, 28), last_week, absl::FormatCivilTime(DateOf(day_ + kHorizon)), sales);
}

bool StoreSales::AppendDay(std::string& text) {
  if (day_ >= options_.days) return false;
  for (int store = 0; store < kStores; ++store) {
    for (int item = 0; item < kItems; ++item) AppendRow(store, item, text);
  }
  ++day_;
  return true;
}

double StoreSales::BestR2(int first_day) const {
  double total = 0;
  for (int step = 0; step < kHorizon; ++step) {
    double count = 0, sum = 0, squares = 0, errors = 0;
    for (int day = first_day + step; day < options_.days + step; ++day) {
      for (int store = 0; store < kStores; ++store) {
        for (int item = 0; item < kItems; ++item) {
          const double units = units_[day - first_day_][CellOf(store, item)];
          const double error = units - RateOf(store, item, day);
          ++count;
          sum += units;
          squares += units * units;
          errors += error * error;
        }
      }
    }
    total += 1 - errors / (squares - sum * sum / count);
  }
  return total / kHorizon;
}

}  // namespace polyscene::simulator
