#include "client/simulator/simulator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "client/simulator/choices.h"

namespace polyscene::simulator {
namespace {

// Shares of requests. A behaviour request is one row, the others are lists: of the rows about a tenth are behaviour's.
constexpr double kRecommendationShare = 0.28;
constexpr double kSearchShare = 0.24;

// Visits by hour of the day.
constexpr std::array<double, 24> kHours = {0.4, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 0.9, 1.0, 1.0, 1.0, 1.1,
                                           1.3, 1.2, 1.0, 1.0, 1.1, 1.2, 1.5, 1.8, 2.0, 1.8, 1.3, 0.8};

double SameTypeOrCategory(const Item& item, int query) {
  const int type = query / kAdjectives;
  if (item.type == type) return 1;
  return item.category == type / kTypesPerCategory ? 0.4 : 0;
}

// 0 (another category) to about 1 (what was asked for). Whoever types "cheap" means it.
double Relevance(const Item& item, int query) {
  constexpr int kCheap = 1;  // Its place among the adjectives.
  const double price = query % kAdjectives == kCheap ? -0.4 * item.relative_price : 0;
  return SameTypeOrCategory(item, query) + price;
}

}  // namespace

absl::string_view SceneName(Scene scene) {
  switch (scene) {
    case Scene::kRecommendation:
      return "recommendation";
    case Scene::kSearch:
      return "search";
    case Scene::kBehaviour:
      return "behaviour";
  }
  return "";
}

Simulator::Simulator(SimulationOptions options)
    : options_(options),
      catalog_(options.seed, options.days),
      shoppers_(options.seed, options.days),
      random_(options.seed, 4) {}

double Simulator::TimeOf(double share) {
  const double days = share * options_.days;
  const double whole = std::floor(days);
  double total = 0;
  for (const double weight : kHours) total += weight;
  double left = (days - whole) * total;
  int hour = 0;
  while (hour < 23 && left >= kHours[hour]) left -= kHours[hour++];
  return whole + (hour + std::min(left / kHours[hour], 0.999)) / 24;
}

Scene Simulator::DrawScene() {
  const double u = random_.Uniform();
  if (u < kRecommendationShare) return Scene::kRecommendation;
  return u < kRecommendationShare + kSearchShare ? Scene::kSearch : Scene::kBehaviour;
}

bool Simulator::Next(std::vector<SimulatedRow>& rows) {
  rows.clear();
  const int64_t left = options_.rows - rows_made_;
  if (left <= 0) return false;
  // Every request has a row at least, so that this never goes back in time.
  const double day = TimeOf((static_cast<double>(rows_made_) + random_.Uniform()) / static_cast<double>(options_.rows));
  const Scene scene = DrawScene();
  const int wanted = scene == Scene::kRecommendation ? 5 + random_.Below(7)
                     : scene == Scene::kSearch       ? 4 + random_.Below(5)
                                                     : 1;
  MakeRequest(scene, day, static_cast<int>(std::min<int64_t>(wanted, left)), rows);
  rows_made_ += static_cast<int64_t>(rows.size());
  return true;
}

void Simulator::RankingRequest(int candidates, std::vector<SimulatedRow>& rows) {
  FutureRequest(requests_made_ % 2 == 0 ? Scene::kRecommendation : Scene::kSearch, candidates, rows);
}

void Simulator::FutureRequest(Scene scene, int candidates, std::vector<SimulatedRow>& rows) {
  rows.clear();
  const bool users = scene == Scene::kBehaviour;
  for (int i = 0; i < (users ? candidates : 1); ++i) {
    MakeRequest(scene, options_.days + 0.5, users ? 1 : candidates, rows);
  }
}

void Simulator::MakeRequest(Scene scene, double day, int count, std::vector<SimulatedRow>& rows) {
  const int user = shoppers_.Draw(day, random_);
  const Taste taste = shoppers_.TasteOf(user, day);
  shoppers_.CatchUp(user, day, taste, catalog_, random_);

  const SimulatedRow context = ContextRow(scene, day, user, taste);
  for (int i = 0; i < count; ++i) {
    rows.push_back(context);
    if (scene == Scene::kBehaviour) {
      AddVisit(taste, rows.back());
    } else {
      AddCandidate(day, user, taste, DrawCandidate(context, day, taste), rows.back());
    }
  }
  // The user clicks after the list is shown, so no row of it knows of another's click.
  for (const SimulatedRow& row : rows) {
    if (row.click == 1) shoppers_.AddClick(user, IndexOfItem(row.item_id));
  }
  ++requests_made_;
}

SimulatedRow Simulator::ContextRow(Scene scene, double day, int user, const Taste& taste) {
  const User& who = shoppers_.user(user);
  SimulatedRow row;
  row.scene = scene;
  row.request = requests_made_ + 1;
  row.time_seconds = kFirstSecond + static_cast<int64_t>(day * kSecondsPerDay);
  row.user_id = who.id;
  // Now and then people take another device.
  row.device = random_.Chance(0.9) ? who.device : random_.Below(kDevices);
  row.hour = static_cast<int>((day - std::floor(day)) * 24);
  row.day_of_week = static_cast<int>(day) % 7;
  row.account_age_days = static_cast<int64_t>(day) - who.signup_day;
  row.clicks_7d = random_.Poisson(std::exp(1.7 + 0.7 * taste.engagement));
  row.orders_30d = random_.Poisson(std::exp(-0.3 + 0.4 * taste.engagement + 0.5 * who.buying));
  row.days_since_visit_tenths =
      std::lround(std::min(random_.Exponential(30 * std::exp(-0.8 * taste.engagement)), 900.0));
  row.average_order_cents = who.average_order_cents;
  if (scene == Scene::kSearch) {
    const int type = DrawCategory(taste, 0.8, random_) * kTypesPerCategory + random_.Below(kTypesPerCategory);
    row.query = type * kAdjectives + random_.Below(kAdjectives);
  }
  const ClickHistory& history = who.history;
  row.recent_count = std::min(history.size(), kRecentClicks);
  for (int i = 0; i < row.recent_count; ++i) {
    const int item = history.Last(row.recent_count - 1 - i);
    row.recent_items[i] = item;
    row.recent_categories[i] = catalog_.item(item).category;
  }
  return row;
}

void Simulator::AddVisit(const Taste& taste, SimulatedRow& row) {
  const double churn = ChurnProbability(taste, static_cast<double>(row.account_age_days));
  row.churn_probability = static_cast<float>(churn);
  row.churn = random_.Chance(churn);
  // People often go on where they were.
  const bool stays = row.recent_count > 0 && random_.Chance(0.3);
  row.next_category = stays ? row.recent_categories[row.recent_count - 1] : DrawCategory(taste, 2, random_);
}

int Simulator::DrawCandidate(const SimulatedRow& context, double day, const Taste& taste) {
  const double u = random_.Uniform();
  if (context.scene == Scene::kSearch) {  // Retrieval by text: mostly right, sometimes not.
    const int type = context.query / kAdjectives;
    if (u < 0.4) return catalog_.DrawOfType(type, day, random_);
    if (u < 0.75) return catalog_.DrawOfCategory(type / kTypesPerCategory, day, random_);
    return catalog_.Draw(day, random_);
  }
  // A recommender that knows a little: a third of what it shows is to the user's taste.
  if (u < 0.35) return catalog_.DrawOfCategory(DrawCategory(taste, 0.8, random_), day, random_);
  return catalog_.Draw(day, random_);
}

void Simulator::AddCandidate(double day, int user, const Taste& taste, int index, SimulatedRow& row) {
  const int today = static_cast<int>(day);
  const User& who = shoppers_.user(user);
  const Item& item = catalog_.item(index);
  row.item_id = ItemId(index);
  row.category = item.category;
  row.brand = item.brand;
  row.price_cents = item.price_cents;
  row.discount_percent = catalog_.DiscountPercent(index, today);
  row.rating_tenths = item.rating_tenths;
  row.item_age_days = today - item.first_day;
  const ItemCounts counts = catalog_.Counts(index, today);
  row.item_clicks_7d = counts.clicks_7d;
  row.item_sales_7d = counts.sales_7d;
  for (int back = 0; back < who.history.size(); ++back) {
    row.category_clicks += catalog_.item(who.history.Last(back)).category == item.category;
  }
  Impression impression{who, taste, item};
  impression.category_share = CategoryShares(taste)[item.category];
  impression.appeal = catalog_.Appeal(index, day);
  impression.discount = static_cast<double>(row.discount_percent) / 100;
  impression.hour = row.hour;
  if (row.scene == Scene::kSearch) {
    impression.relevance = Relevance(item, row.query);
    row.text_score_hundredths = std::lround(100 * (SameTypeOrCategory(item, row.query) + 0.15 * random_.Normal()));
  }

  const ShoppingProbabilities probabilities = Decide(row.scene, impression);
  row.click_probability = static_cast<float>(probabilities.click);
  row.purchase_probability = static_cast<float>(probabilities.click * probabilities.purchase_once_clicked);
  row.click = random_.Chance(probabilities.click);
  row.purchase = row.click == 1 && random_.Chance(probabilities.purchase_once_clicked);
  if (row.purchase == 1) {  // Small things are bought by the handful; delivery is free from 50 euros on.
    const int64_t units = 1 + (item.price_cents < 3000 ? random_.Poisson(0.8) : random_.Poisson(0.1));
    const int64_t goods = units * item.price_cents * (100 - row.discount_percent) / 100;
    row.spend_cents = goods + (goods < 5000 ? 490 : 0);
  }
  if (row.scene == Scene::kRecommendation) {  // In search the query already says where the user is going.
    const bool stays = row.click == 1 && random_.Chance(0.6);
    row.next_category = stays ? item.category : DrawCategory(taste, 2, random_);
  }
  for (int k = 0; k < kHorizon; ++k) row.demand[k] = catalog_.Sales(index, today + 1 + k);
}

}  // namespace polyscene::simulator
