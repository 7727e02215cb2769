// For any table: what `model init` writes loads, fits the table, and makes no sampled row be refused.
#include <gmock/gmock.h>

#include <random>

#include "client/modelfile/data_check.h"
#include "tests/unit/client/modelfile/init_fixture.h"

namespace polyscene {
namespace {

// Tables of columns that people have, and of what goes wrong in them.
class RandomTable {
 public:
  explicit RandomTable(uint32_t seed) : random_(seed) {}

  std::string Make() {
    const int columns = 1 + Below(9);
    const int rows = 1 + Below(300);
    std::vector<int> kinds, gaps;
    std::string text;
    for (int c = 0; c < columns; ++c) {
      kinds.push_back(Below(kKinds));
      gaps.push_back(Below(3) == 0 ? Below(100) : 0);
      absl::StrAppend(&text, c == 0 ? "" : ",", Quoted(Name(c)));
    }
    text += "\n";
    for (int row = 0; row < rows; ++row) {
      for (int c = 0; c < columns; ++c) {
        absl::StrAppend(&text, c == 0 ? "" : ",", Below(100) < gaps[c] ? "" : Quoted(Value(kinds[c], row)));
      }
      text += Below(100) == 0 ? ",one too many\n" : Below(2) ? "\n" : "\r\n";
    }
    return text;
  }

 private:
  static constexpr int kKinds = 18;

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  static std::string Quoted(const std::string& field) {
    if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
    std::string quoted = "\"";
    for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
  }

  std::string Name(int c) {
    static const char* const names[] = {
        "y",        "click",       "scene",      "time",     "event_date", "user_id",   "item_id",
        "price",    "session_id",  "label_date", "a b",      "größe",      "say \"x\"", "y_next_1",
        "y_next_2", "channel",     "qty,kg",     "id",       "prev_price", "2008",      "sample_weight",
        "category", "line\nbreak", "-",          "scene_id", "status"};
    const int pick = Below(32);
    const std::string name = pick < 26 ? names[pick] : pick == 26 ? "" : absl::StrCat("c", c);
    return name.empty() || Below(2) ? absl::StrCat(name, name.empty() ? "" : std::string(c, '_'))
                                    : absl::StrCat(name, c);
  }

  std::string Value(int kind, int row) {
    switch (kind) {
      case 0:
        return absl::StrCat(row);
      case 1:
        return absl::StrCat(Below(2));
      case 2:
        return absl::StrCat(Below(5));
      case 3:
        return absl::StrCat(Below(1000) - 500);
      case 4:
        return absl::StrCat(Below(1'000'000) / 1000.0);
      case 5:
        return absl::StrCat(Below(100), ".0");
      case 6:
        return absl::StrCat("2024-0", 1 + Below(9), "-1", Below(10));
      case 7:
        return absl::StrCat(1'700'000'000 + row);
      case 8:
        return absl::StrCat("s", Below(3));
      case 9:
        return absl::StrCat("value ", Below(40));
      case 10:
        return absl::StrCat("t", Below(4), "|t", Below(4));
      case 11:
        return absl::StrCat(Below(4), "|", Below(4));
      case 12:
        return Below(10) ? absl::StrCat(Below(50)) : "NA";
      case 13:
        return absl::StrCat("0", Below(50));
      case 14:
        return absl::StrCat(Below(9), "e", Below(60) - 20);
      case 15:
        return Below(50) ? "9223372036854775807" : "-9223372036854775808";
      case 16:
        return Below(50) ? "text" : std::string(1, '\xff');
      default:
        return std::string(Below(20) ? 1 : 1100, 'x');
    }
  }

  std::mt19937 random_;
};

using RandomFilesTest = InitTest;

TEST_F(RandomFilesTest, TheProposalLoadsFitsItsFileAndRefusesNoSampledRow) {
  int proposed = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const std::string csv = RandomTable(seed).Make();
    const auto result = TryInit(csv);
    if (!result.ok()) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument)
          << "seed " << seed << ": " << result.status();
      continue;
    }
    ++proposed;
    const auto spec = ModelSpec::Parse(result->written.text, "proposal");
    ASSERT_TRUE(spec.ok()) << "seed " << seed << ": " << spec.status() << "\n" << result->written.text;
    const auto check = CheckData(**spec, Write(csv), 1'000'000);
    ASSERT_TRUE(check.ok()) << "seed " << seed << ": " << check.status() << "\n" << result->written.text;
    EXPECT_EQ(check->rows_refused(), result->sample.bad_lines())
        << "seed " << seed << "\n"
        << DataText(**spec, *check, "csv") << result->written.text;
    EXPECT_TRUE(Json::parse(GuessesJson(*result).dump(-1, ' ', false, Json::error_handler_t::replace)).is_object());
    EXPECT_FALSE(GuessesText(*result, "x").empty());
  }
  EXPECT_GT(proposed, 150) << "the tables are too weird to say anything";
}

}  // namespace
}  // namespace polyscene
