// How people decide: the true probabilities of the marketplace, which no feature shows as they are.
#pragma once

#include "client/simulator/catalog.h"
#include "client/simulator/shoppers.h"
#include "client/simulator/simulated_row.h"

namespace polyscene::simulator {

// One impression, hidden and visible sides together.
struct Impression {
  const User& user;
  const Taste& taste;
  const Item& item;
  double category_share = 0;  // CategoryShares() of the item's category.
  double appeal = 0;          // Catalog::Appeal() at the time.
  double discount = 0;        // 0 to 0.3
  int hour = 0;
  double relevance = 0;  // Search: 0 (another category) to 1 (what was asked for).
};

struct ShoppingProbabilities {
  double click = 0;
  double purchase_once_clicked = 0;
};

ShoppingProbabilities Decide(Scene scene, const Impression& impression);

// The probability that a user who is `account_age_days` old here does not come back within the month.
double ChurnProbability(const Taste& taste, double account_age_days);

}  // namespace polyscene::simulator
