// Daily sales of a chain of stores: what an inventory forecast learns from.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "client/simulator/random.h"

namespace polyscene::simulator {

struct StoreSalesOptions {
  uint64_t seed = 1;
  int days = 180;
};

// One row a day, store and item, in the order of days, with what is known in the morning (price, discounts planned for
// the next seven days, sales so far) and the units sold on each of the seven days that follow, which are known when
// these are over. Units are drawn by Poisson's law from a rate: what the item sells, times the store's size, its week,
// its customers' leaning to the category and to discounts, and the category's season. A function of the options.
//
// Not thread-safe.
class StoreSales {
 public:
  static constexpr int kStores = 6;
  static constexpr int kItems = 200;
  static constexpr int kCategories = 8;
  static constexpr int kHorizon = 7;

  explicit StoreSales(StoreSalesOptions options);

  static std::string Header();  // With its line end.

  // Appends the rows of one day; false after the last.
  bool AppendDay(std::string& text);

  int64_t rows() const { return int64_t{options_.days} * kStores * kItems; }

  // R2 of the rates themselves over the days from `first_day` on, the mean over the seven days ahead: no forecast can
  // do better.
  double BestR2(int first_day) const;

 private:
  struct Store {
    double size = 1;
    double discount_power = 1;  // Units follow (1 - discount) to minus this power.
    std::array<double, 7> week{};
    std::array<double, kCategories> leaning{};
  };
  struct Item {
    int category = 0;
    double price = 0;
    double units = 0;  // A day, in a store of size 1.
  };

  static size_t CellOf(int store, int item) { return static_cast<size_t>(store) * kItems + item; }
  double RateOf(int store, int item, int day) const;
  int Sold(int store, int item, int day, int days_before) const;  // Units of the days before `day`.
  void AppendRow(int store, int item, std::string& text) const;

  const StoreSalesOptions options_;
  const int first_day_;  // Days are numbered from it on, below 0, so that the first rows have sales behind them.
  const int end_day_;
  std::vector<Store> stores_;
  std::vector<Item> items_;
  std::vector<std::vector<float>> discounts_;  // [days][cells]
  std::vector<std::vector<int>> units_;        // Likewise.
  int day_ = 0;                                // Of the next rows.
};

}  // namespace polyscene::simulator
