// One row of the simulated marketplace: what a platform would have logged, and the truth that it could not know.
#pragma once

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace polyscene::simulator {

enum class Scene { kRecommendation, kSearch, kBehaviour };
inline constexpr int kScenes = 3;
absl::string_view SceneName(Scene scene);  // As in the model file.

inline constexpr int kRecentClicks = 6;  // Clicks that the features show, oldest first.
inline constexpr int kHorizon = 7;       // Days of demand ahead.

// Where a number is not known (or does not exist in the row's scene).
inline constexpr int64_t kNone = INT64_MIN;

struct SimulatedRow {
  Scene scene = Scene::kRecommendation;
  int64_t request = 0;       // Rows of one request follow each other.
  int64_t time_seconds = 0;  // Since 1970, UTC.

  // Context: the user at that time.
  int64_t user_id = 0;
  int device = 0;
  int hour = 0;         // 0 to 23.
  int day_of_week = 0;  // 0 Monday to 6 Sunday.
  int64_t account_age_days = 0;
  int64_t clicks_7d = 0;
  int64_t orders_30d = 0;
  int64_t days_since_visit_tenths = 0;
  int64_t average_order_cents = kNone;  // kNone: never ordered.
  int query = -1;                       // -1 outside search.
  int recent_count = 0;
  std::array<int, kRecentClicks> recent_items{};
  std::array<int, kRecentClicks> recent_categories{};

  // Candidate; meaningless in behaviour.
  int64_t item_id = 0;
  int category = 0;
  int brand = 0;
  int64_t price_cents = 0;
  int64_t discount_percent = 0;
  int64_t rating_tenths = kNone;  // kNone: nobody rated it.
  int64_t item_age_days = 0;
  int64_t item_clicks_7d = 0;
  int64_t item_sales_7d = 0;
  int64_t category_clicks = 0;        // The user's clicks in the item's category, of the last 32.
  int64_t text_score_hundredths = 0;  // Search: how well the item's text fits the query.

  // Labels; kNone where the row has none.
  int64_t click = kNone;
  int64_t purchase = kNone;
  int64_t next_category = kNone;
  int64_t spend_cents = kNone;
  std::array<int64_t, kHorizon> demand{};  // Meaningful beside a candidate.
  int64_t churn = kNone;

  // The probabilities that the binary labels were drawn with.
  float click_probability = 0;
  float purchase_probability = 0;
  float churn_probability = 0;
};

}  // namespace polyscene::simulator
