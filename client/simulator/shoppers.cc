#include "client/simulator/shoppers.h"

#include <algorithm>
#include <cmath>

namespace polyscene::simulator {
namespace {

constexpr int kUsers = 2000;
constexpr double kSharpness = 1.3;  // Of what a user clicks on outside the log.

Taste MakeTaste(Random& random) {
  Taste taste;
  for (double& liking : taste.category) liking = random.Normal();
  for (double& liking : taste.style) liking = random.Normal();
  taste.engagement = random.Normal();
  return taste;
}

std::vector<User> MakeUsers(uint64_t seed, int days) {
  Random random(seed, 2);
  std::vector<User> users;
  for (int u = 0; u < kUsers; ++u) {
    User user;
    user.id = 100'000'000 + static_cast<int64_t>(u) * 7919;  // As sparse as real numbers of accounts are.
    const double device = random.Uniform();
    user.device = device < 0.45 ? 0 : device < 0.75 ? 1 : 2;
    // Of five, four had an account before the first day; the first one always.
    const bool old = u == 0 || random.Chance(0.8);
    user.signup_day = old ? -1 - static_cast<int>(random.Exponential(400)) : random.Below(std::max(1, days));
    user.thrift = random.Normal();
    user.buying = random.Normal();
    user.clicks_a_day = 0.9 * std::exp(0.5 * random.Normal());
    user.start = MakeTaste(random);
    user.turn = MakeTaste(random);
    user.turn_radians = random.Uniform(0.5, 1.5);
    if (old && random.Chance(0.85)) {
      const double euros = 38 * std::exp(-0.45 * user.thrift + 0.2 * random.Normal());
      user.average_order_cents = std::lround(100 * euros);
    }
    user.history_day = std::max(0, user.signup_day) - 30;
    users.push_back(user);
  }
  return users;
}

WeightedChoice MakeActivity(uint64_t seed) {
  Random random(seed, 3);
  std::vector<double> weights;
  for (int u = 0; u < kUsers; ++u) weights.push_back(std::exp(0.8 * random.Normal()));
  return WeightedChoice(weights);
}

}  // namespace

Shoppers::Shoppers(uint64_t seed, int days) : users_(MakeUsers(seed, days)), activity_(MakeActivity(seed)) {}

int Shoppers::Draw(double day, Random& random) const {
  while (true) {  // Ends: user 0 was there from the start.
    const int user = activity_.Draw(random);
    if (users_[user].signup_day <= day) return user;
  }
}

Taste Shoppers::TasteOf(int user, double day) const {
  const User& who = users_[user];
  const double angle = who.turn_radians * day / 60;
  const double old_share = std::cos(angle), new_share = std::sin(angle);
  Taste taste;
  for (int c = 0; c < kCategories; ++c) {
    taste.category[c] = old_share * who.start.category[c] + new_share * who.turn.category[c];
  }
  for (int s = 0; s < kStyles; ++s) taste.style[s] = old_share * who.start.style[s] + new_share * who.turn.style[s];
  taste.engagement = old_share * who.start.engagement + new_share * who.turn.engagement;
  return taste;
}

void Shoppers::CatchUp(int user, double day, const Taste& taste, const Catalog& catalog, Random& random) {
  User& who = users_[user];
  const double mean = who.clicks_a_day * (day - who.history_day);
  const int clicks = std::min(random.Poisson(mean), kRememberedClicks);  // Older ones would be forgotten anyway.
  for (int i = 0; i < clicks; ++i) {
    who.history.Add(catalog.DrawOfCategory(DrawCategory(taste, kSharpness, random), day, random));
  }
  who.history_day = day;
}

std::array<double, kCategories> CategoryShares(const Taste& taste) {
  std::array<double, kCategories> shares;
  double sum = 0;
  for (int c = 0; c < kCategories; ++c) sum += shares[c] = std::exp(kSharpness * taste.category[c]);
  for (double& share : shares) share /= sum;
  return shares;
}

int DrawCategory(const Taste& taste, double sharpness, Random& random) {
  std::array<double, kCategories> weights;
  double sum = 0;
  for (int c = 0; c < kCategories; ++c) sum += weights[c] = std::exp(sharpness * taste.category[c]);
  double left = sum * random.Uniform();
  for (int c = 0; c + 1 < kCategories; ++c) {
    left -= weights[c];
    if (left < 0) return c;
  }
  return kCategories - 1;
}

}  // namespace polyscene::simulator
