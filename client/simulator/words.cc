#include "client/simulator/words.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace polyscene::simulator {
namespace {

constexpr std::array<absl::string_view, kCategories> kCategoryNames = {"books",  "fashion", "electronics", "home",
                                                                       "beauty", "sports",  "toys",        "garden"};

constexpr std::array<absl::string_view, kTypes> kTypeNames = {
    "novel",    "cookbook", "comic",      "atlas",     "jacket", "sneakers", "dress",  "scarf",
    "headset",  "laptop",   "camera",     "charger",   "lamp",   "rug",      "kettle", "bookshelf",
    "lipstick", "shampoo",  "perfume",    "sunscreen", "tent",   "bicycle",  "racket", "dumbbells",
    "puzzle",   "doll",     "board game", "toy train", "shovel", "tomatoes", "grill",  "hammock"};

constexpr std::array<absl::string_view, kBrands> kBrandNames = {
    "Almanac", "Birchleaf", "Cadmus",  "Dovetail", "Elvira", "Fjordline", "Gossamer",  "Halden",
    "Ionix",   "Juno",      "Kelvin",  "Lumen",    "Marlow", "Norvik",    "Oakhurst",  "Pemberly",
    "Quince",  "Rosalba",   "Saffron", "Tisane",   "Ursa",   "Velocita",  "Westwind",  "Xanthe",
    "Yoyo",    "Zephyr",    "Acorn",   "Bramble",  "Clover", "Dahlia",    "Evergreen", "Fernway"};

constexpr std::array<absl::string_view, kAdjectives> kAdjectiveNames = {"best", "cheap", "new", "gift", "small", "red"};

constexpr std::array<absl::string_view, kDevices> kDeviceNames = {"android", "ios", "web"};

}  // namespace

absl::string_view CategoryName(int category) { return kCategoryNames[category]; }

absl::string_view BrandName(int brand) { return kBrandNames[brand]; }

absl::string_view QueryText(int query) {
  static const auto& texts = *[] {
    auto* made = new std::array<std::string, kQueries>;
    for (int q = 0; q < kQueries; ++q) {
      (*made)[q] = absl::StrCat(kAdjectiveNames[q % kAdjectives], " ", kTypeNames[q / kAdjectives]);
    }
    return made;
  }();
  return texts[query];
}

absl::string_view DeviceName(int device) { return kDeviceNames[device]; }

}  // namespace polyscene::simulator
