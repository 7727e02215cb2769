#include "client/simulator/schema.h"

#include "client/simulator/catalog.h"
#include "client/simulator/words.h"

namespace polyscene::simulator {
namespace {

using Row = SimulatedRow;

// The column of a number that a row holds as it is.
template <int64_t Row::*kField>
int64_t Number(const Row& row, int) {
  return row.*kField;
}

int RecentCount(const Row& row) { return row.recent_count; }

constexpr SimulatedFeature Context(absl::string_view name, ValueType type, int64_t (*number)(const Row&, int),
                                   int decimals = 0) {
  return {.name = name, .type = type, .decimals = decimals, .number = number};
}

constexpr SimulatedFeature Candidate(absl::string_view name, ValueType type, int64_t (*number)(const Row&, int),
                                     int decimals = 0) {
  return {.name = name, .type = type, .candidate = true, .decimals = decimals, .number = number};
}

constexpr ValueType kInt = ValueType::kInt64, kFloat = ValueType::kFloat, kText = ValueType::kString;

constexpr SimulatedFeature kFeatures[] = {
    Context("user_id", kInt, Number<&Row::user_id>),
    {.name = "device", .type = kText, .text = [](const Row& row, int) { return DeviceName(row.device); }},
    Context("hour", kInt, [](const Row& row, int) { return int64_t{row.hour}; }),
    Context("day_of_week", kInt, [](const Row& row, int) { return int64_t{row.day_of_week}; }),
    Context("account_age_days", kInt, Number<&Row::account_age_days>),
    Context("clicks_7d", kInt, Number<&Row::clicks_7d>),
    Context("orders_30d", kInt, Number<&Row::orders_30d>),
    Context("days_since_visit", kFloat, Number<&Row::days_since_visit_tenths>, 1),
    Context("average_order", kFloat, Number<&Row::average_order_cents>, 2),
    {.name = "recent_clicks",
     .type = kInt,
     .number = [](const Row& row, int i) { return ItemId(row.recent_items[i]); },
     .length = RecentCount},
    {.name = "recent_categories",
     .type = kText,
     .text = [](const Row& row, int i) { return CategoryName(row.recent_categories[i]); },
     .length = RecentCount},
    {.name = "query",
     .type = kText,
     .search_only = true,
     .text = [](const Row& row, int) { return QueryText(row.query); }},
    Candidate("item_id", kInt, Number<&Row::item_id>),
    {.name = "item_category",
     .type = kText,
     .candidate = true,
     .text = [](const Row& row, int) { return CategoryName(row.category); }},
    {.name = "brand",
     .type = kText,
     .candidate = true,
     .text = [](const Row& row, int) { return BrandName(row.brand); }},
    Candidate("price", kFloat, Number<&Row::price_cents>, 2),
    Candidate("discount_percent", kInt, Number<&Row::discount_percent>),
    Candidate("rating", kFloat, Number<&Row::rating_tenths>, 1),
    Candidate("item_age_days", kInt, Number<&Row::item_age_days>),
    Candidate("item_clicks_7d", kInt, Number<&Row::item_clicks_7d>),
    Candidate("item_sales_7d", kInt, Number<&Row::item_sales_7d>),
    Candidate("category_clicks", kInt, Number<&Row::category_clicks>),
    {.name = "text_score",
     .type = kFloat,
     .candidate = true,
     .search_only = true,
     .decimals = 2,
     .number = Number<&Row::text_score_hundredths>},
};

constexpr SimulatedTask kTasks[] = {
    {.name = "click",
     .scenes = {true, true, false},
     .label = Number<&Row::click>,
     .probability = [](const Row& row) { return row.click_probability; }},
    {.name = "purchase",
     .scenes = {true, true, false},
     .label = Number<&Row::purchase>,
     .probability = [](const Row& row) { return row.purchase_probability; }},
    {.name = "category",
     .kind = TaskKind::kMultiClass,
     .scenes = {true, false, true},
     .label = Number<&Row::next_category>},
    {.name = "spend",
     .kind = TaskKind::kRegression,
     .decimals = 2,
     .scenes = {true, true, false},
     .label = Number<&Row::spend_cents>},
    {.name = "demand",
     .kind = TaskKind::kForecast,
     .width = kHorizon,
     .scenes = {true, true, false},
     .label = [](const Row& row, int i) { return row.demand[i]; }},
    {.name = "churn",
     .scenes = {false, false, true},
     .label = Number<&Row::churn>,
     .probability = [](const Row& row) { return row.churn_probability; }},
};

}  // namespace

absl::Span<const SimulatedFeature> Features() { return kFeatures; }

absl::Span<const SimulatedTask> Tasks() { return kTasks; }

}  // namespace polyscene::simulator
