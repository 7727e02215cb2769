#include "client/simulator/choices.h"

#include <array>
#include <cmath>

namespace polyscene::simulator {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double Evening(int hour) { return hour >= 18 && hour <= 22 ? 1 : 0; }

// How well an item's style meets the user's; about standard normal over users and items.
double StyleMatch(const Taste& taste, const Item& item) {
  double sum = 0;
  for (int s = 0; s < kStyles; ++s) sum += taste.style[s] * item.style[s];
  return sum / 2;  // Divided by the square root of kStyles.
}

// About standard normal. The same share more counts less where there is much already, so that what a user has clicked
// on before tells most of it.
double CategoryLiking(double share) { return (std::log1p(kRememberedClicks * share) - 1.45) / 0.75; }

// 0 where the price is what the user is ready to pay in this category, negative on both sides of it.
double PriceFit(const User& user, const Impression& impression) {
  const double distance = impression.item.relative_price - impression.discount + 0.4 * user.thrift;
  return -distance * distance;
}

}  // namespace

ShoppingProbabilities Decide(Scene scene, const Impression& impression) {
  const double category = CategoryLiking(impression.category_share);
  const double style = StyleMatch(impression.taste, impression.item);
  const double price = PriceFit(impression.user, impression);
  const double mood = 0.25 * Evening(impression.hour) + 1.5 * impression.discount;

  // Whoever searches knows what for: relevance counts most there, taste less.
  double click = 0;
  if (scene == Scene::kSearch) {
    click = -4.2 + 2.4 * impression.relevance + 0.5 * impression.appeal + 0.25 * category + 0.15 * style + 0.5 * price +
            mood;
  } else {
    click = -3.2 + 0.6 * impression.appeal + 0.8 * category + 0.2 * style + 0.5 * price + mood;
  }
  const double purchase = -1.85 + 0.5 * impression.user.buying + 0.35 * impression.appeal + 0.3 * category +
                          0.7 * price + 2.0 * impression.discount + 0.5 * impression.relevance -
                          0.3 * (impression.user.device != 2);
  return {Sigmoid(click), Sigmoid(purchase)};
}

double ChurnProbability(const Taste& taste, double account_age_days) {
  return Sigmoid(-2.3 - 1.15 * taste.engagement + 1.0 * std::exp(-account_age_days / 45));
}

}  // namespace polyscene::simulator
