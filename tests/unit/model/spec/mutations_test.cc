// Whatever is done to a model file's bytes, it is read or refused with mistakes that have a place; nothing crashes.
#include <gmock/gmock.h>

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

// Pieces that mean something to a parser, beside random bytes.
constexpr absl::string_view kPieces[] = {
    "{", "}",     "[",      "]",    "<",    ">",   ":",     ",",    ";",  "\"",          "'",
    "#", "\\",    "-",      "0x",   "1e9",  "nan", "inf",   "\n",   "\t", "\xff",        "9999999999999999999999",
    "a", "tasks", "hash {", "[[[[", "}}}}", "\\x", "\\377", "1.5f", "::", "features: [", "[a.b/c]"};

std::string Mutated(std::mt19937& random) {
  std::string text = kGoodModel;
  const int changes = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < changes; ++i) {
    const size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text.erase(at, 1 + random() % 12);
        break;
      case 1:
        text[at] = static_cast<char>(random() % 256);
        break;
      case 2:
        text.insert(at, text.substr(random() % text.size(), random() % 60));
        break;
      default:
        text.insert(at, std::string(kPieces[random() % std::size(kPieces)]));
    }
  }
  return text;
}

TEST(Mutations, AreReadOrRefusedWithAPlace) {
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Mutated(random);
    const auto spec = ModelSpec::Parse(text, "m");
    if (spec.ok()) continue;
    ++refused;
    EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
    const std::vector<std::string> lines = absl::StrSplit(text, '\n');
    for (const absl::string_view mistake : absl::StrSplit(spec.status().message(), '\n')) {
      // "m:<line>:<column>: <what>", inside the text.
      const std::vector<std::string> parts = absl::StrSplit(mistake, absl::MaxSplits(':', 3));
      ASSERT_EQ(parts.size(), 4) << mistake << "\n" << text;
      int line = 0;
      int column = 0;
      ASSERT_TRUE(absl::SimpleAtoi(parts[1], &line) && absl::SimpleAtoi(parts[2], &column)) << mistake << "\n" << text;
      ASSERT_TRUE(line >= 1 && line <= static_cast<int>(lines.size())) << mistake << "\n" << text;
      ASSERT_TRUE(column >= 1 && column <= static_cast<int>(lines[line - 1].size()) + 1) << mistake << "\n" << text;
      EXPECT_GT(parts[3].size(), 5) << mistake;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 3000);
}

TEST(Mutations, DeepNestingIsNoProblem) {
  const std::string deep = absl::StrCat("x ", std::string(200000, '{'), std::string(200000, '}'));
  EXPECT_THAT(std::string(ModelSpec::Parse(deep, "m").status().message()),
              testing::StartsWith("m:1:1: a ModelFile has no field 'x'"));
}

}  // namespace
}  // namespace polyscene
