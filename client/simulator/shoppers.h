// The users: their hidden tastes, which drift, and what the platform remembers of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "client/simulator/catalog.h"
#include "client/simulator/random.h"
#include "client/simulator/words.h"

namespace polyscene::simulator {

// Hidden: what a user likes at one moment. Each entry is about standard normal over the users.
struct Taste {
  std::array<double, kCategories> category{};
  std::array<double, kStyles> style{};
  double engagement = 0;  // How much the user cares for the shop at all; churn is the lack of it.
};

inline constexpr int kRememberedClicks = 32;

// The last clicks of a user, oldest first.
class ClickHistory {
 public:
  void Add(int item) { items_[count_++ % kRememberedClicks] = item; }
  int size() const { return static_cast<int>(count_ < kRememberedClicks ? count_ : kRememberedClicks); }
  int Last(int back) const { return items_[(count_ - 1 - back) % kRememberedClicks]; }  // back < size().

 private:
  std::array<int, kRememberedClicks> items_{};
  int64_t count_ = 0;
};

struct User {
  int64_t id = 0;
  int device = 0;
  int signup_day = 0;       // Of the simulation; below 0: before it began.
  double thrift = 0;        // Hidden: how much dear items put off.
  double buying = 0;        // Hidden: how readily a click becomes a purchase.
  double clicks_a_day = 0;  // Beyond those that the log shows.
  Taste start, turn;        // Hidden: see Shoppers::TasteOf().
  double turn_radians = 0;  // Hidden: how far the taste turns over 60 days.
  int64_t average_order_cents = kNone;

  ClickHistory history;
  double history_day = 0;  // Up to when `history` tells.
};

// The users and their histories. Not thread-safe.
class Shoppers {
 public:
  Shoppers(uint64_t seed, int days);

  int size() const { return static_cast<int>(users_.size()); }
  const User& user(int index) const { return users_[index]; }

  // Draws a user who has signed up, active ones more often.
  int Draw(double day, Random& random) const;

  // Hidden. Two independent tastes mixed by a slowly turning angle, so that everyone's spread stays and the person
  // changes.
  Taste TasteOf(int user, double day) const;

  // Adds the clicks that happened outside the log between the last visit and `day`.
  void CatchUp(int user, double day, const Taste& taste, const Catalog& catalog, Random& random);
  void AddClick(int user, int item) { users_[user].history.Add(item); }

 private:
  std::vector<User> users_;
  WeightedChoice activity_;
};

// How much of what a user looks at is of each category: their clicks outside the log are drawn from it. Sums to 1.
std::array<double, kCategories> CategoryShares(const Taste& taste);

// Draws a category in proportion to exp(sharpness x taste).
int DrawCategory(const Taste& taste, double sharpness, Random& random);

}  // namespace polyscene::simulator
