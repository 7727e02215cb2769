#include "client/simulator/catalog.h"

#include <algorithm>
#include <cmath>

namespace polyscene::simulator {
namespace {

constexpr int kItems = 1200;
constexpr int kHistoryDays = 7;  // Days of sales before the first.

// Usual price of a category in euros, and how demand follows the week from Monday.
constexpr std::array<double, kCategories> kUsualPrice = {16, 45, 180, 60, 22, 75, 28, 35};
constexpr double kWeek[kCategories][7] = {{0.9, 0.9, 0.9, 0.9, 1.0, 1.2, 1.2}, {0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9},
                                          {1.2, 1.1, 1.1, 1.0, 0.9, 0.8, 0.9}, {0.8, 0.8, 0.8, 0.9, 1.0, 1.4, 1.3},
                                          {0.9, 1.0, 1.0, 1.1, 1.3, 1.0, 0.7}, {0.8, 0.9, 0.9, 1.0, 1.3, 1.3, 0.8},
                                          {0.8, 0.8, 0.8, 0.9, 1.0, 1.5, 1.2}, {0.6, 0.6, 0.7, 0.8, 1.2, 1.8, 1.3}};

double WeekFactor(int category, int day) { return kWeek[category][((day % 7) + 7) % 7]; }  // Day 0 is a Monday.

}  // namespace

Catalog::Catalog(uint64_t seed, int days) : days_(days), discount_seed_(Mix(seed ^ 0xD15C0u)) {
  Random random(seed, 1);
  std::array<double, kBrands> brand_appeal;
  for (double& appeal : brand_appeal) appeal = random.Normal();
  for (int i = 0; i < kItems; ++i) MakeItem(random, brand_appeal);

  groups_.resize(1 + kCategories + kTypes);
  for (int i = 0; i < size(); ++i) {
    popularity_.push_back(std::exp(0.8 * Appeal(i, 0.5 * days_) + 0.3 * random.Normal()));
    for (const int group : {0, 1 + items_[i].category, 1 + kCategories + items_[i].type}) {
      groups_[group].members.push_back(i);
    }
  }
  for (Group& group : groups_) {
    std::vector<double> weights;
    for (const int member : group.members) weights.push_back(popularity_[member]);
    group.choice.emplace_back(weights);
  }
  MakeSales(seed);
}

void Catalog::MakeItem(Random& random, const std::array<double, kBrands>& brand_appeal) {
  Item item;
  // The first items take one type each, so that no type is ever empty.
  item.type = size() < kTypes ? size() : random.Below(kTypes);
  item.category = item.type / kTypesPerCategory;
  item.brand = item.category * kBrandsPerCategory + random.Below(kBrandsPerCategory);
  item.relative_price = 0.45 * random.Normal();
  const double euros = std::max(2.0, kUsualPrice[item.category] * std::exp(item.relative_price));
  item.price_cents = static_cast<int64_t>(euros) * 100 + 99;  // 24.99, as shops have it.
  // Four of five items were there before; of the rest a few come each day. The first ones always were.
  const bool old = size() < kTypes || random.Chance(0.8);
  item.first_day = old ? -random.Below(900) - 8 : random.Below(std::max(1, days_));
  item.appeal_start = 0.6 * brand_appeal[item.brand] + 0.8 * random.Normal();
  item.appeal_turn = 0.6 * brand_appeal[item.brand] + 0.8 * random.Normal();
  for (double& style : item.style) style = random.Normal();
  const double rating = 3.9 + 0.4 * item.appeal_start + 0.3 * random.Normal();
  if (old && random.Chance(0.9)) item.rating_tenths = std::lround(10 * std::clamp(rating, 1.0, 5.0));
  items_.push_back(item);
}

double Catalog::Appeal(int item, double day) const {
  // A turn by a third of a right angle over 60 days keeps the spread and moves the order.
  const double angle = 0.52 * day / 60;
  return std::cos(angle) * items_[item].appeal_start + std::sin(angle) * items_[item].appeal_turn;
}

void Catalog::MakeSales(uint64_t seed) {
  sales_.resize(static_cast<size_t>(size()) * (days_ + 15));
  clicks_.resize(sales_.size());
  for (int i = 0; i < size(); ++i) {
    Random random(seed, 1'000'000 + i);
    double trend = 0;  // What no feature shows: fashions of a few weeks.
    int64_t last_week = 0;
    for (int day = -kHistoryDays; day <= days_ + kHorizon; ++day) {
      const int week_ago = day - 7;
      clicks_[Cell(i, day)] = std::lround(static_cast<double>(9 * last_week) * std::exp(0.15 * random.Normal()));
      trend = 0.95 * trend + 0.08 * random.Normal();
      const double mean = 3.5 * popularity_[i] * std::exp(0.3 * (Appeal(i, day) - Appeal(i, 0.5 * days_)) + trend) *
                          WeekFactor(items_[i].category, day);
      const int64_t sold = OnSale(i, day) ? random.Poisson(mean) : 0;
      sales_[Cell(i, day)] = sold;
      last_week += sold - (week_ago >= -kHistoryDays ? Sales(i, week_ago) : 0);
    }
  }
}

int64_t Catalog::DiscountPercent(int item, int day) const {
  const uint64_t bits = Mix(discount_seed_ + static_cast<uint64_t>(item) * 1024 + static_cast<uint64_t>(day / 7));
  return bits % 4 == 0 ? 10 * static_cast<int64_t>(1 + (bits >> 8) % 3) : 0;
}

ItemCounts Catalog::Counts(int item, int day) const {
  ItemCounts counts;
  counts.clicks_7d = clicks_[Cell(item, day)];
  for (int back = 1; back <= 7; ++back) counts.sales_7d += Sales(item, day - back);
  return counts;
}

int Catalog::Draw(double day, Random& random) const {
  return DrawOnSale(groups_[0].choice[0], groups_[0].members, day, random);
}

int Catalog::DrawOfCategory(int category, double day, Random& random) const {
  const Group& group = groups_[1 + category];
  return DrawOnSale(group.choice[0], group.members, day, random);
}

int Catalog::DrawOfType(int type, double day, Random& random) const {
  const Group& group = groups_[1 + kCategories + type];
  return DrawOnSale(group.choice[0], group.members, day, random);
}

int Catalog::DrawOnSale(const WeightedChoice& choice, const std::vector<int>& members, double day,
                        Random& random) const {
  while (true) {  // Ends: each group has an item that was there before (MakeItem()).
    const int item = members[choice.Draw(random)];
    if (OnSale(item, day)) return item;
  }
}

}  // namespace polyscene::simulator
