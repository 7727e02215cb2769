// What the shop sells, in words: names of categories, product types, brands and queries.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace polyscene::simulator {

inline constexpr int kCategories = 8;
inline constexpr int kTypesPerCategory = 4;
inline constexpr int kTypes = kCategories * kTypesPerCategory;  // Type t belongs to category t / kTypesPerCategory.
inline constexpr int kBrandsPerCategory = 4;
inline constexpr int kBrands = kCategories * kBrandsPerCategory;
inline constexpr int kAdjectives = 6;
inline constexpr int kQueries = kTypes * kAdjectives;  // Query q asks for type q / kAdjectives.
inline constexpr int kDevices = 3;

absl::string_view CategoryName(int category);  // "books"
absl::string_view BrandName(int brand);        // "Norvik"
absl::string_view QueryText(int query);        // "cheap sneakers"
absl::string_view DeviceName(int device);      // "android"

}  // namespace polyscene::simulator
