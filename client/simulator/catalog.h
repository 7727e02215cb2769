// The items: what they are, what draws people to them, how they sell.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "client/simulator/random.h"
#include "client/simulator/simulated_row.h"
#include "client/simulator/words.h"

namespace polyscene::simulator {

inline constexpr int kStyles = 4;  // Hidden directions of taste beside the categories.

struct Item {
  int category = 0;
  int type = 0;
  int brand = 0;
  int64_t price_cents = 0;
  double relative_price = 0;  // Logarithm of the price over its category's usual one.
  int64_t rating_tenths = kNone;
  int first_day = 0;                         // Day of the simulation it came on sale; below 0: before it began.
  double appeal_start = 0, appeal_turn = 0;  // Hidden; see Appeal().
  std::array<double, kStyles> style{};       // Hidden.
};

// The number that the platform knows an item by, and back.
inline int64_t ItemId(int index) { return 500'000 + int64_t{13} * index; }
inline int IndexOfItem(int64_t id) { return static_cast<int>((id - 500'000) / 13); }

// What the platform counts of an item, known at the start of a day.
struct ItemCounts {
  int64_t clicks_7d = 0;
  int64_t sales_7d = 0;
};

// Immutable; a function of its arguments alone.
class Catalog {
 public:
  Catalog(uint64_t seed, int days);

  int size() const { return static_cast<int>(items_.size()); }
  const Item& item(int index) const { return items_[index]; }

  // Hidden: how much more than others it is liked, about standard normal; drifts over the days.
  double Appeal(int item, double day) const;

  bool OnSale(int item, double day) const { return items_[item].first_day <= day; }
  int64_t DiscountPercent(int item, int day) const;  // 0, 10, 20 or 30; changes from week to week.
  ItemCounts Counts(int item, int day) const;
  int64_t Sales(int item, int day) const {
    return sales_[Cell(item, day)];
  }  // Units sold on `day`, from -7 to days + 7.

  // Draw an item on sale, popular ones more often.
  int Draw(double day, Random& random) const;
  int DrawOfCategory(int category, double day, Random& random) const;
  int DrawOfType(int type, double day, Random& random) const;

 private:
  // Index by day from -7 to days_ + 7.
  size_t Cell(int item, int day) const { return static_cast<size_t>(item) * (days_ + 15) + day + 7; }
  void MakeItem(Random& random, const std::array<double, kBrands>& brand_appeal);
  void MakeSales(uint64_t seed);
  int DrawOnSale(const WeightedChoice& choice, const std::vector<int>& members, double day, Random& random) const;

  int days_;
  uint64_t discount_seed_;
  std::vector<Item> items_;
  std::vector<double> popularity_;  // Hidden: weight of an item among those that are shown and bought.
  std::vector<int64_t> sales_;      // [items, days + 15]
  std::vector<int64_t> clicks_;     // [items, days + 15] of the seven days before.

  struct Group {
    std::vector<int> members;
    std::vector<WeightedChoice> choice;  // One; a vector because it is made late.
  };
  std::vector<Group> groups_;  // All, then the categories, then the types.
};

}  // namespace polyscene::simulator
