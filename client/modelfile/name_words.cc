#include "client/modelfile/name_words.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

using Words = std::vector<std::string>;
using List = std::initializer_list<absl::string_view>;

bool IsOneOf(absl::string_view word, List list) { return std::find(list.begin(), list.end(), word) != list.end(); }

bool AnyOf(const Words& words, List list) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return IsOneOf(word, list); });
}

// The words as one: "Event-Time" is event_time, so that lists need not say how names are written.
std::string Joined(const Words& words) { return absl::StrJoin(words, "_"); }

bool LastIs(const Words& words, List list) { return !words.empty() && IsOneOf(words.back(), list); }

}  // namespace

std::vector<std::string> NameWords(absl::string_view name) {
  Words words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t i = 0; i < name.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (!absl::ascii_isalpha(c) && c < 0x80) {
      end_word();
      continue;
    }
    const bool after_small = i > 0 && absl::ascii_islower(static_cast<unsigned char>(name[i - 1]));
    const bool before_small = i > 0 && absl::ascii_isupper(static_cast<unsigned char>(name[i - 1])) &&
                              i + 1 < name.size() && absl::ascii_islower(static_cast<unsigned char>(name[i + 1]));
    if (absl::ascii_isupper(c) && (after_small || before_small)) end_word();
    word.push_back(static_cast<char>(absl::ascii_tolower(c)));
  }
  end_word();
  return words;
}

LabelSign LabelSignOf(absl::string_view name) {
  Words words = NameWords(name);
  if (words.empty()) return LabelSign::kNone;
  const absl::string_view first = words.front();
  // "label_date" tells when a label was known.
  if (LastIs(words, {"date", "time", "timestamp", "at", "ts"})) return LabelSign::kNone;
  if (IsOneOf(first, {"y", "label", "target"}) || LastIs(words, {"label", "target"})) return LabelSign::kMarked;
  if (IsHistoryName(name)) return LabelSign::kNone;
  if (IsOneOf(first, {"is", "has", "was", "did", "will"}) && words.size() > 1) words.erase(words.begin());
  const std::string joined = Joined(words);
  if (IsOneOf(joined,
              {"click",        "clicked",    "clicks",     "purchase",   "purchased", "buy",         "bought",
               "conversion",   "converted",  "convert",    "order",      "ordered",   "add_to_cart", "carted",
               "churn",        "churned",    "exited",     "attrition",  "cancel",    "canceled",    "cancelled",
               "cancellation", "returned",   "default",    "defaulted",  "fraud",     "fraudulent",  "spam",
               "survived",     "subscribed", "response",   "responded",  "outcome",   "liked",       "like",
               "watched",      "dwell",      "dwell_time", "watch_time", "choice",    "chosen",      "selected",
               "booked",       "booking",    "approved",   "admitted",   "died",      "death",       "diabetes",
               "readmitted",   "left",       "late",       "delayed",    "won",       "relevance",   "ctr",
               "cvr",          "engaged",    "opened",     "risk"})) {
    return LabelSign::kOutcome;
  }
  // A rating is an item's average as often as it is what somebody thought of it.
  if (IsOneOf(words.back(), {"rating", "stars",  "price",       "sales",   "demand",  "revenue", "spend",
                             "units",  "income", "salary",      "quality", "score",   "value",   "charges",
                             "amount", "total",  "temperature", "load",    "affairs", "visits"}) ||
      IsClassName(name)) {
    return LabelSign::kAmount;
  }
  return LabelSign::kNone;
}

int SceneSign(absl::string_view name) {
  const Words words = NameWords(name);
  const std::string joined = Joined(words);
  if (IsOneOf(joined, {"scene", "scene_name", "scene_id"})) return 3;
  if (IsOneOf(joined, {"scenario", "surface", "placement", "page_type", "business_context", "traffic_source"}))
    return 2;
  return LastIs(words, {"channel", "segment"}) ? 1 : 0;
}

int EventTimeSign(absl::string_view name) {
  const Words words = NameWords(name);
  const std::string joined = Joined(words);
  if (IsLabelTimeName(name) || IsLaterName(name)) return 0;
  if (IsOneOf(joined, {"event_time", "event_date", "event_timestamp", "event_ts", "event_datetime"})) return 4;
  if (IsOneOf(joined, {"timestamp", "ts", "time", "datetime", "date", "date_time", "event_at", "occurred_at"}))
    return 3;
  if (AnyOf(words,
            {"created", "request", "impression", "click", "order", "purchase", "transaction", "visit", "flight"}) &&
      AnyOf(words, {"time", "date", "at", "timestamp", "ts"})) {
    return 2;
  }
  return AnyOf(words, {"time", "date", "timestamp", "datetime", "ts", "epoch", "day", "at"}) ? 1 : 0;
}

bool IsLabelTimeName(absl::string_view name) {
  const Words words = NameWords(name);
  return AnyOf(words, {"label", "labelled", "labeled", "outcome"}) &&
         LastIs(words, {"date", "time", "timestamp", "at", "ts"});
}

int RequestSign(absl::string_view name) {
  const Words words = NameWords(name);
  const std::string joined = Joined(words);
  if (AnyOf(words, {"request", "impression"}) && LastIs(words, {"id", "key", "uuid"})) return 4;
  if (IsOneOf(joined, {"query_id", "search_id", "qid", "group_id"})) return 3;
  if (IsOneOf(joined, {"session", "session_id", "visit_id", "basket_id", "cart_id"})) return 2;
  return IsOneOf(joined, {"order_id", "transaction_id", "invoice", "invoice_no", "individual"}) ? 1 : 0;
}

bool IsWeightName(absl::string_view name) {
  return IsOneOf(Joined(NameWords(name)),
                 {"sample_weight", "example_weight", "event_weight", "instance_weight", "row_weight"});
}

bool IsHistoryName(absl::string_view name) {
  const Words words = NameWords(name);
  return AnyOf(words, {"prev", "previous", "last", "past", "prior", "history", "historical", "lag", "ago", "recent"}) ||
         absl::StrContains(Joined(words), "so_far");
}

bool IsPersonName(absl::string_view name) {
  const Words words = NameWords(name);
  if (AnyOf(words, {"email", "mail", "phone", "msisdn", "ssn", "passport", "ip", "imei", "idfa", "gaid", "cookie",
                    "username", "surname", "lastname", "firstname", "fullname", "passenger"}) &&
      !AnyOf(words, {"type", "class", "count"})) {
    return true;
  }
  const bool person = AnyOf(words, {"user", "customer", "client", "member", "visitor", "account", "buyer", "shopper",
                                    "patient", "person", "employee", "guest", "subscriber"});
  if (AnyOf(words, {"device"}) && LastIs(words, {"id", "uuid", "hash"})) return true;
  return person &&
         (words.size() == 1 || LastIs(words, {"id", "key", "uuid", "guid", "hash", "no", "number", "name", "code"}));
}

bool IsItemName(absl::string_view name) {
  const Words words = NameWords(name);
  if (IsHistoryName(name)) return false;
  if (IsOneOf(Joined(words), {"sku", "asin", "isbn", "ean", "gtin", "upc", "adid", "docid"})) return true;
  const bool item = AnyOf(words, {"item", "product", "article", "listing", "offer", "ad", "movie", "song", "track",
                                  "video", "document", "doc", "hotel", "candidate", "creative", "mode"});
  return item && (words.size() == 1 || LastIs(words, {"id", "key", "uuid", "code", "sku", "no", "number"}));
}

bool IsItemWord(absl::string_view name) {
  const Words words = NameWords(name);
  if (IsHistoryName(name) || IsPersonName(name)) return false;
  return IsItemName(name) ||
         AnyOf(words, {"item",     "product",  "candidate", "ad",     "offer", "listing", "price",    "brand",
                       "category", "colour",   "color",     "photo",  "image", "title",   "position", "rank",
                       "sku",      "discount", "stock",     "seller", "genre", "author"});
}

bool IsIdentityName(absl::string_view name) {
  const Words words = NameWords(name);
  if (words.size() > 1 && IsOneOf(words.front(), {"n", "num", "number", "count", "mean", "avg", "total", "sum"}))
    return false;
  if (LastIs(words, {"user", "item", "product"})) return true;
  return AnyOf(words,
               {"id",      "ids",      "code",    "key",     "sku",       "uuid",     "guid",     "hash",   "zip",
                "zipcode", "postcode", "postal",  "country", "region",    "state",    "county",   "city",   "district",
                "brand",   "category", "cat",     "class",   "type",      "kind",     "model",    "colour", "color",
                "page",    "location", "store",   "shop",    "agent",     "company",  "vendor",   "seller", "browser",
                "os",      "platform", "device",  "channel", "source",    "campaign", "creative", "genre",  "language",
                "locale",  "currency", "month",   "dow",     "weekday",   "hour",     "quarter",  "gender", "sex",
                "group",   "cluster",  "segment", "status",  "department"});
}

bool IsAmountName(absl::string_view name) {
  const Words words = NameWords(name);
  if (LastIs(words, {"id", "ids", "code", "key", "type", "kind", "category", "class", "group"})) return false;
  if (words.size() > 1 &&
      IsOneOf(words.front(), {"n", "num", "number", "count", "mean", "avg", "total", "sum", "max", "min"})) {
    return true;
  }
  return AnyOf(
      words,
      {"price",         "sales",    "cost",     "amount",  "revenue",  "qty",    "quantity", "count",    "counts",
       "age",           "duration", "seconds",  "minutes", "hours",    "days",   "weeks",    "months",   "years",
       "nights",        "time",     "distance", "score",   "rate",     "ratio",  "mean",     "avg",      "average",
       "sum",           "total",    "length",   "width",   "height",   "depth",  "weight",   "size",     "views",
       "clicks",        "visits",   "orders",   "order",   "position", "rank",   "balance",  "income",   "salary",
       "temperature",   "adults",   "children", "babies",  "guests",   "rooms",  "stock",    "discount", "tenure",
       "cancellations", "bookings", "requests", "stars",   "rating",   "number", "fare",     "wind",     "speed",
       "year",          "percent",  "pct",      "share",   "volume",   "area",   "surface",  "credit",   "limit"});
}

bool IsClassName(absl::string_view name) {
  return LastIs(NameWords(name), {"class", "species", "category", "type", "kind", "segment", "group", "diagnosis",
                                  "status", "label", "target", "cluster", "choice", "cultivar", "outcome"});
}

bool IsLaterName(absl::string_view name) {
  const Words words = NameWords(name);
  if (IsHistoryName(name)) return false;
  return AnyOf(words, {"label",     "labelled",   "labeled", "outcome",     "after",  "post",  "final",     "result",
                       "resolved",  "resolution", "refund",  "refunded",    "closed", "ended", "completed", "checkout",
                       "delivered", "updated",    "deleted", "reservation", "death",  "alive"}) ||
         (AnyOf(words, {"cancel", "cancelled", "canceled", "cancellation", "churn", "return"}) && words.size() > 1);
}

std::string NameOfPrevious(absl::string_view name) {
  for (const absl::string_view prefix : {"prev_", "previous_", "last_", "prior_"}) {
    if (absl::StartsWithIgnoreCase(name, prefix)) {
      const absl::string_view rest = name.substr(prefix.size());
      return std::string(rest.data(), rest.size());
    }
  }
  return "";
}

bool SplitNumbered(absl::string_view name, std::string* stem, int* number) {
  size_t begin = name.size();
  while (begin > 0 && absl::ascii_isdigit(static_cast<unsigned char>(name[begin - 1]))) --begin;
  if (begin == 0 || begin == name.size() || name.size() - begin > 4) return false;
  stem->assign(name.data(), begin);
  return absl::SimpleAtoi(name.substr(begin), number);
}

}  // namespace polyscene
