// What a column's name says of it. Guesses: every one of them is told, and none is more than a name.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyscene {

// A name's lower-case words, cut at what is no letter and where small letters meet capitals: "prevItemID_2" is prev,
// item, id. Digits end a word and are dropped; bytes beyond ASCII count as letters.
std::vector<std::string> NameWords(absl::string_view name);

// How strongly a name is a label's: an explicit mark (y_..., target, label) tells more than a word for an outcome.
enum class LabelSign {
  kNone,
  kAmount,   // An amount that one might want to predict: price, sales, demand, ...
  kOutcome,  // click, purchase, churn, rating, ...
  kMarked,   // y, y_..., label, target_...
};
LabelSign LabelSignOf(absl::string_view name);

// 0: not a scene's name. Else the higher the surer: 3 is "scene" itself.
int SceneSign(absl::string_view name);

// 0: not the name of when something happened. Else the higher the surer.
int EventTimeSign(absl::string_view name);
bool IsLabelTimeName(absl::string_view name);  // When the outcome was known: label_date, ...
int RequestSign(absl::string_view name);       // Groups the rows of one request or session. 0: no.

bool IsWeightName(absl::string_view name);    // sample_weight and the like; not a parcel's weight.
bool IsHistoryName(absl::string_view name);   // What was before: prev_..., last_..., ..._so_far.
bool IsPersonName(absl::string_view name);    // Identifies a person: user_id, email, phone, ...
bool IsItemName(absl::string_view name);      // Identifies what is offered: item_id, sku, ...
bool IsItemWord(absl::string_view name);      // Describes what is offered: price, brand, colour, ...
bool IsIdentityName(absl::string_view name);  // A code, kind or place: numbers in it are names, not amounts.
bool IsAmountName(absl::string_view name);    // price, age, n_..., ..._count, ...: numbers in it are amounts.
bool IsClassName(absl::string_view name);     // class, species, category, ...: numbers in it are classes.
bool IsLaterName(absl::string_view name);     // Known only after the event: ..._status, outcome_..., refund, ...

// Of "prev_item" the "item" whose earlier value it is; empty where the name does not begin so.
std::string NameOfPrevious(absl::string_view name);

// "y_next_3" is {"y_next_", 3}: a name that ends in a whole number. False where it does not.
bool SplitNumbered(absl::string_view name, std::string* stem, int* number);

}  // namespace polyscene
